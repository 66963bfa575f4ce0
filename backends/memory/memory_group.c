/* Groups on the bus within a process: who owns which partition. */
#include "backends/memory/memory_broker.h"
#include "base/error.h"

#include <string.h>

/* ---- sharing out ---- */

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

static void hand_over(struct share *share, struct bus *member)
{
    share->owner = member;
    share->next_owner = NULL;
    share->told = share->revoking = false;
    share->reading.position = -1;
    share->reading.beyond = false;
}

/* An owner that knows gives up before another gets it. */
static void give(struct share *share, struct bus *member)
{
    if (share->owner && share->told)
        share->next_owner = member == share->owner && !share->revoking ? NULL : member;
    else
        hand_over(share, member);
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

/* ---- coming and going ---- */

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
    for (uint32_t i = 0; i < topic->partitions; i++)
        shares[i].reading = (struct reading){.topic = topic, .partition = i, .position = -1};
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
        return error_set(error, TRADING_E_INVALID, "this bus has joined \"%.80s\" already", bus->group->name);
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

int32_t memory_bus_join(void *handle, const char *group, const char *topic, trading_error *error)
{
    struct bus *bus = handle;
    pthread_mutex_lock(&bus->broker->lock);
    int32_t code = join_locked(bus, group, topic, error);
    pthread_mutex_unlock(&bus->broker->lock);
    return code;
}

void group_leave(struct bus *bus)
{
    struct group *group = bus->group;
    if (!group)
        return;
    struct bus **at = &group->members;
    while (*at != bus)
        at = &(*at)->next_member;
    *at = bus->next_member;
    for (uint32_t i = 0; i < group->topic->partitions; i++) {
        struct share *share = &group->shares[i];
        if (share->next_owner == bus)
            share->next_owner = NULL;
        if (share->owner == bus)
            hand_over(share, share->next_owner);
    }
    share_out(group);
    pthread_cond_broadcast(&bus->broker->changed);
}

struct share *group_share(const struct bus *bus, const struct topic *topic, uint32_t partition)
{
    if (!bus->group || bus->group->topic != topic || partition >= topic->partitions)
        return NULL;
    struct share *share = &bus->group->shares[partition];
    return share->owner == bus && share->told ? share : NULL;
}

void group_release(struct bus *bus, struct share *share)
{
    hand_over(share, share->next_owner);
    share_out(bus->group);
    pthread_cond_broadcast(&bus->broker->changed);
}
