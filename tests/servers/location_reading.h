/* For tests of how a backend reads its location: included behind the backend's location.h. */
#ifndef LOCATION_READING_H
#define LOCATION_READING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static inline struct location read_good(const char *text)
{
    struct location location;
    trading_error error = {0};
    if (location_read(&location, text, &error))
        fail_msg("%s: %s", text, error.message);
    return location;
}

/* That the message has a word, and never what is secret in these tests: "hush". */
static inline void read_bad(const char *text, int32_t code, const char *word)
{
    struct location location;
    trading_error error = {0};
    if (location_read(&location, text, &error) != code || !strstr(error.message, word) || strstr(error.message, "hush"))
        fail_msg("%s: code %d: %s", text, (int)error.code, error.message);
}

/* The URI ends with the option that names the file. */
static inline struct location read_good_with_file(const char *uri, const char *content)
{
    char path[] = "/tmp/location-test-XXXXXX";
    char text[128];
    int file = mkstemp(path);
    assert_true(file >= 0 && write(file, content, strlen(content)) == (ssize_t)strlen(content));
    close(file);
    snprintf(text, sizeof text, "%s%s", uri, path);
    struct location location = read_good(text);
    unlink(path);
    return location;
}

#endif
