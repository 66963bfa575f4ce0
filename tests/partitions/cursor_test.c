/* Cursors are each partition's own: a reader beside the writers finds where each stands, and what came since it was opened once it looks. */
#include "cluster.h"

#include <string.h>

enum { PARTITIONS = 3 };

static void must_hold(bool holds, const char *what)
{
    if (!holds)
        fail("%s", what);
}

static void move(struct cluster *cluster, uint32_t partition, int64_t position)
{
    trading_result result;
    trading_acknowledge body = TRADING_ACKNOWLEDGE_INIT;
    body.name = (trading_text){.data = "commands", .length = 8};
    body.flags = TRADING_ACKNOWLEDGE_FOREIGN;
    body.position = position;
    const trading_command command = {.type = TRADING_COMMAND_ACKNOWLEDGE, .body = &body, .body_size = sizeof body};
    must_hold(!trading_engine_execute(cluster->seats[partition], &command, 1, &result, NULL) &&
                  result.status == TRADING_STATUS_ACCEPTED,
              "a cursor is not moved");
}

/* −1: there is none. */
static int64_t cursor_of(trading_view *view, uint32_t partition)
{
    int64_t position = -1;
    trading_error error;
    int32_t code = trading_view_partition_cursor(view, partition, "commands", &position, &error);
    must_hold(code == TRADING_OK || (code == TRADING_E_NOT_FOUND && position == -1), "a cursor cannot be asked for");
    return position;
}

/* What a feed does when it is opened. */
static void look_again(trading_engine *reader, uint32_t partition)
{
    trading_feed *feed;
    trading_filter filter = TRADING_FILTER_INIT;
    filter.partition = partition;
    must_hold(!trading_feed_open(&feed, reader, 0, &filter, NULL, NULL), "a feed is not opened");
    trading_feed_close(feed);
}

static void check_reader(struct cluster *cluster)
{
    trading_view *view;
    int64_t position;
    trading_engine *reader = cluster_reader(cluster);
    must_hold(!trading_view_open(&view, reader, TRADING_VIEW_LATEST, NULL), "a view is not opened");
    must_hold(cursor_of(view, 0) == 7 && cursor_of(view, 1) == -1 && cursor_of(view, 2) == 9, "a cursor stands elsewhere");
    must_hold(trading_view_cursor(view, "commands", &position, NULL) == TRADING_OK && position == 7, "not the first's");
    must_hold(trading_view_partition_cursor(view, PARTITIONS, "commands", &position, NULL) == TRADING_E_INVALID,
              "there is one partition more");
    must_hold(trading_view_partition_cursor(view, 0, NULL, &position, NULL) == TRADING_E_INVALID, "no name is a name");
    must_hold(trading_view_partition_cursor(NULL, 0, "commands", &position, NULL) == TRADING_E_INVALID, "no view is a view");
    int64_t stood = trading_view_partition_position(view, 2);
    move(cluster, 2, 11);
    must_hold(cursor_of(view, 2) == 9 && trading_view_partition_position(view, 2) == stood, "it moved before anybody looked");
    look_again(reader, 2);
    must_hold(cursor_of(view, 2) == 11 && trading_view_partition_position(view, 2) == stood + 1, "it has not moved");
    trading_view_close(view);
    must_hold(!trading_engine_close(reader, TRADING_CLOSE_DRAIN, NULL), "a reader is not closed");
}

/* Of an engine of one partition it is that one's, whatever its number. */
static void check_owner(struct cluster *cluster)
{
    trading_view *view;
    int64_t position;
    must_hold(!trading_view_open(&view, cluster->seats[2], TRADING_VIEW_LATEST, NULL), "a view is not opened");
    must_hold(cursor_of(view, 2) == 11, "the owner's cursor stands elsewhere");
    must_hold(trading_view_partition_cursor(view, 0, "commands", &position, NULL) == TRADING_E_INVALID, "it is another's");
    trading_view_close(view);
}

int main(void)
{
    static struct cluster cluster;
    cluster_open(&cluster, PARTITIONS, 0, 1);
    move(&cluster, 0, 7);
    move(&cluster, 2, 9);
    check_reader(&cluster);
    check_owner(&cluster);
    cluster_close(&cluster);
    return 0;
}
