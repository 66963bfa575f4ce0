/* The bus within a process: who owns which partition, and consuming. */
#include "backends/memory/memory_bus.h"

#include "backends/memory/memory_broker.h"
#include "base/error.h"

#include <errno.h>
#include <string.h>
#include <time.h>

/* ---- who owns what; with the broker's lock held, except for what takes it ---- */

static struct bus *owner_to_be(const struct share *share)
{
    return share->next_owner ? share->next_owner : share->owner;
}

static uint32_t owned_by(const struct group *group, const struct bus *member)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < group->topic->partitions; i++)
        count += owner_to_be(&group->shares[i]) == member;
    return count;
}

/* An owner that knows gives up before another gets it. */
static void give(struct share *share, struct bus *member)
{
    if (share->owner && share->told) {
        share->next_owner = member == share->owner && !share->revoking ? NULL : member;
        return;
    }
    *share = (struct share){.owner = member, .position = -1};
}

/* Nobody has two more than another, and no more partitions move than that takes. */
static void share_out(struct group *group)
{
    for (bool moved = group->members; moved;) {
        struct bus *fewest = group->members;
        struct bus *most = group->members;
        for (struct bus *at = group->members; at; at = at->next_member) {
            fewest = owned_by(group, at) < owned_by(group, fewest) ? at : fewest;
            most = owned_by(group, at) > owned_by(group, most) ? at : most;
        }
        bool uneven = owned_by(group, most) > owned_by(group, fewest) + 1;
        moved = false;
        for (uint32_t i = 0; i < group->topic->partitions && !moved; i++) {
            struct share *share = &group->shares[i];
            moved = !owner_to_be(share) || (uneven && owner_to_be(share) == most);
            if (moved)
                give(share, fewest);
        }
    }
}

static struct group *find_group(struct memory_broker *broker, const char *name, struct topic *topic, trading_error *error)
{
    for (struct group *at = broker->groups; at; at = at->next)
        if (at->topic == topic && !strcmp(at->name, name))
            return at;
    struct group *group = memory_zeroed(broker->memory, 1, sizeof *group);
    struct share *shares = memory_zeroed(broker->memory, topic->partitions, sizeof *shares);
    if (!group || !shares) {
        memory_release(broker->memory, group, sizeof *group);
        memory_release(broker->memory, shares, topic->partitions * sizeof *shares);
        error_no_memory(error, "a group");
        return NULL;
    }
    memcpy(group->name, name, strlen(name) + 1);
    group->topic = topic;
    group->shares = shares;
    group->next = broker->groups;
    broker->groups = group;
    return group;
}

static int32_t join_locked(struct bus *bus, const char *name, const char *topic_name, trading_error *error)
{
    if (bus->group)
        return error_set(error, TRADING_E_INVALID, "this bus has joined \"%s\" already", bus->group->name);
    struct topic *topic = broker_topic(bus->broker, topic_name, error);
    if (!topic)
        return TRADING_E_NOT_FOUND;
    struct group *group = find_group(bus->broker, name, topic, error);
    if (!group)
        return TRADING_E_NO_MEMORY;
    struct bus **last = &group->members;
    while (*last)
        last = &(*last)->next_member;
    *last = bus;
    bus->group = group;
    share_out(group);
    pthread_cond_broadcast(&bus->broker->changed);
    return TRADING_OK;
}

static int32_t bus_join(void *handle, const char *group, const char *topic, trading_error *error)
{
    struct bus *bus = handle;
    if (!broker_name_is_valid(group) || !topic)
        return error_set(error, TRADING_E_INVALID, "a group has a name of 1 to %d bytes, and a topic", NAME_BYTES - 1);
    pthread_mutex_lock(&bus->broker->lock);
    int32_t code = join_locked(bus, group, topic, error);
    pthread_mutex_unlock(&bus->broker->lock);
    return code;
}

static void leave(struct bus *bus)
{
    struct group *group = bus->group;
    struct bus **at = &group->members;
    while (*at != bus)
        at = &(*at)->next_member;
    *at = bus->next_member;
    for (uint32_t i = 0; i < group->topic->partitions; i++) {
        struct share *share = &group->shares[i];
        if (share->next_owner == bus)
            share->next_owner = NULL;
        if (share->owner == bus)
            *share = (struct share){.owner = share->next_owner, .position = -1};
    }
    share_out(group);
    pthread_cond_broadcast(&bus->broker->changed);
}

/* The share of a partition that the bus owns and knows of. */
static struct share *own_share(const struct bus *bus, uint32_t partition, trading_error *error)
{
    bool there = bus->group && partition < bus->group->topic->partitions;
    struct share *share = there ? &bus->group->shares[partition] : NULL;
    if (share && share->owner == bus && share->told)
        return share;
    error_set(error, TRADING_E_INVALID, "partition %u is not owned", partition);
    return NULL;
}

static int32_t bus_seek(void *handle, uint32_t partition, int64_t position, trading_error *error)
{
    struct bus *bus = handle;
    if (position < 0)
        return error_set(error, TRADING_E_INVALID, "a position is from 0 on");
    pthread_mutex_lock(&bus->broker->lock);
    struct share *share = own_share(bus, partition, error);
    if (share)
        share->position = position;
    pthread_mutex_unlock(&bus->broker->lock);
    return share ? TRADING_OK : TRADING_E_INVALID;
}

static int32_t bus_release(void *handle, uint32_t partition, trading_error *error)
{
    struct bus *bus = handle;
    pthread_mutex_lock(&bus->broker->lock);
    struct share *share = own_share(bus, partition, error);
    if (share) {
        *share = (struct share){.owner = share->next_owner, .position = -1};
        share_out(bus->group);
        pthread_cond_broadcast(&bus->broker->changed);
    }
    pthread_mutex_unlock(&bus->broker->lock);
    return share ? TRADING_OK : TRADING_E_INVALID;
}

/* ---- consuming ---- */

/* What there is to say of one partition. */
static bool look_at(const struct bus *bus, uint32_t partition, struct bus_notice *notice)
{
    struct share *share = &bus->group->shares[partition];
    const struct log *log = &bus->group->topic->logs[partition];
    if (share->owner != bus)
        return false;
    *notice = (struct bus_notice){.kind = BUS_OWNED, .record = {.topic = bus->group->topic->name, .partition = partition}};
    if (!share->told)
        return share->told = true;
    notice->kind = BUS_REVOKED;
    if (share->next_owner && !share->revoking)
        return share->revoking = true;
    if (share->revoking || share->position < 0 || (uint64_t)share->position >= log->count)
        return false;
    notice->kind = BUS_RECORD;
    notice->record = log->records[share->position++]->record; /* its bytes stay for as long as the broker */
    return true;
}

/* Partitions take turns. */
static bool next_notice(struct bus *bus, struct bus_notice *notice)
{
    uint32_t partitions = bus->group ? bus->group->topic->partitions : 0;
    for (uint32_t i = 0; i < partitions; i++) {
        uint32_t partition = bus->turn++ % partitions;
        if (look_at(bus, partition, notice))
            return true;
    }
    return false;
}

static struct timespec moment_in(int64_t nanoseconds)
{
    struct timespec moment;
    clock_gettime(CLOCK_MONOTONIC, &moment);
    moment.tv_sec += nanoseconds / 1000000000;
    moment.tv_nsec += nanoseconds % 1000000000;
    moment.tv_sec += moment.tv_nsec / 1000000000;
    moment.tv_nsec %= 1000000000;
    return moment;
}

static int32_t bus_poll(void *handle, int64_t timeout, bus_visit visit, void *arg, trading_error *error)
{
    struct bus *bus = handle;
    struct bus_notice notice;
    if (!visit || timeout < 0)
        return error_set(error, TRADING_E_INVALID, "a poll needs a visitor and a timeout from 0 on");
    struct timespec end = moment_in(timeout);
    pthread_mutex_lock(&bus->broker->lock);
    bool found = next_notice(bus, &notice);
    for (int waited = 0; !found && waited != ETIMEDOUT; found = next_notice(bus, &notice))
        waited = timeout ? pthread_cond_timedwait(&bus->broker->changed, &bus->broker->lock, &end) : ETIMEDOUT;
    pthread_mutex_unlock(&bus->broker->lock);
    if (!found)
        return error_set(error, TRADING_E_TIMEOUT, "nothing came in time");
    visit(arg, &notice);
    return TRADING_OK;
}

/* ---- opening and closing ---- */

static int32_t bus_open(const struct bus_request *request, const trading_host_functions *host, void **handle,
                        trading_error *error)
{
    if (!request || !host || !handle || !request->broker)
        return error_set(error, TRADING_E_INVALID,
                         "opening a bus needs a request with a broker, a host, and a place for the handle");
    if (request->size < sizeof *request || host->size < sizeof *host || host->abi != TRADING_PLUGIN_ABI)
        return error_set(error, TRADING_E_ABI, "the host was built for another version of the bus interface");
    struct bus *bus = host->allocate(host->context, sizeof *bus);
    if (!bus)
        return error_no_memory(error, "a bus");
    *bus = (struct bus){.broker = request->broker, .host = host};
    *handle = bus;
    return TRADING_OK;
}

static void bus_close(void *handle)
{
    struct bus *bus = handle;
    if (!bus)
        return;
    pthread_mutex_lock(&bus->broker->lock);
    if (bus->group)
        leave(bus);
    pthread_mutex_unlock(&bus->broker->lock);
    bus->host->release(bus->host->context, bus, sizeof *bus);
}

const struct bus_ops memory_bus_ops = {
    .size = sizeof memory_bus_ops,
    .abi = TRADING_PLUGIN_ABI,
    .open = bus_open,
    .close = bus_close,
    .topic = memory_bus_topic,
    .publish = memory_bus_publish,
    .partitions = memory_bus_partitions,
    .end = memory_bus_end,
    .join = bus_join,
    .seek = bus_seek,
    .release = bus_release,
    .poll = bus_poll,
};
