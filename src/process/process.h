/* Where the contexts meet: a command is decided by one after another, and each event is written into the commit and folded before the
 * next rule is asked. The only room that sees several contexts.
 *
 *      open the entry → decide → emit (write, fold) … → close the entry
 *
 * Work that would pass the commit's byte limit pauses with an event that says where, and goes on in the next commit. */
#ifndef PROCESS_PROCESS_H
#define PROCESS_PROCESS_H

#include "process/emit.h"
#include "process/request.h"

/* Finds what the command names, and so in which account's scope its key is. False when there is no such thing, or not of this account;
 * then it is rejected without being remembered. */
bool process_locate(const struct domain *domain, struct request *request, struct rejection *why);

/* The version of the entity that the command names (its account, portfolio, order or instrument), 0 when there is none yet. */
int64_t process_version(const struct domain *domain, const struct request *request, const struct outcome *outcome);

/* Decides a located command and writes its entry. False when the rules could not even name an entity to remember the rejection by
 * (`why`); nothing was written then. Otherwise result is filled; look at process->broken and domain_failed before trusting it. */
bool process_command(struct process *process, const struct request *request, trading_result *result, struct rejection *why);

/* Whether work waits that must go on before any command, and going on with it: writes an entry. */
static inline bool process_has_work(const struct domain *domain)
{
    return domain_mark(domain)->work.kind != WORK_NONE;
}
void process_continue(struct process *process);

/* Folding a commit that is read again: an entry is begun, then its events are folded, each at the next position. Look at process->broken and
 * domain_failed. The cause stays until the next entry. */
void process_replay_begin(struct process *process, const struct cause *cause);
void process_replay_event(struct process *process, struct event *event);

#endif
