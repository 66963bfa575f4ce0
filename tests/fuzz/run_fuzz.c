/* What `trading run` reads: bytes → lines → JSON → requests. Whatever the bytes, a line is a request that is whole, or a complaint that
 * says what is wrong and where in the line. A trap is a property that does not hold. */
#include "line_reader.h"
#include "run_parse.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Short, so that lines that are too long are common. */
#define LONGEST 512

static void require(bool holds)
{
    if (!holds)
        __builtin_trap();
}

static void check_request(const struct request *request)
{
    require((request->op == OP_COMMAND) == (request->command.type != 0));
    require((request->command.body == NULL) == (request->command.body_size == 0));
    if (request->command.body)
        require(request->command.body == &request->body && request->command.body_size <= sizeof request->body);
    if (request->op == OP_COMMAND)
        require(request_op_of_command(request->command.type));
}

static void check_line(const char *line, size_t length)
{
    struct parsed_line parsed;
    struct complaint complaint;
    if (run_parse(&parsed, line, length, NULL, NULL, &complaint)) {
        check_request(&parsed.request);
        run_parse_release(&parsed);
        return;
    }
    require(complaint.reason != TRADING_REASON_NONE && complaint.message[0]);
    require(memchr(complaint.message, '\0', sizeof complaint.message));
    require(complaint.column >= 1 && complaint.column <= length + 1);
}

/* All lines of what was read. @return what the reader says then */
static enum line_status check_lines(struct line_reader *reader, size_t size, size_t *lines)
{
    const char *line;
    size_t length;
    enum line_status status;
    while ((status = line_reader_next(reader, &line, &length)) == LINE_READY || status == LINE_LONG) {
        require(reader->line == ++*lines && *lines <= size);
        require(status == LINE_LONG ? length == LONGEST : length <= LONGEST);
        require(!memchr(line, '\n', length));
        if (!run_is_blank(line, length))
            check_line(line, length);
    }
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int file = -1;
    struct line_reader reader;
    size_t lines = 0;
    if (file < 0)
        file = memfd_create("lines", MFD_CLOEXEC);
    require(file >= 0 && ftruncate(file, 0) == 0 && pwrite(file, data, size, 0) == (ssize_t)size &&
            lseek(file, 0, SEEK_SET) == 0);
    line_reader_init(&reader, file, LONGEST);
    while (check_lines(&reader, size, &lines) == LINE_WANTED)
        require(line_reader_fill(&reader) == 0);
    line_reader_free(&reader);
    return 0;
}
