#include "process/emit.h"

#include "base/moment.h"

void process_begin(struct process *process, const struct cause *cause)
{
    process->folding = (struct folding){.cause = cause, .time = process->now};
    process->work = (struct work){0};
    process->events = 0;
    outcome_begin(&process->outcome, cause);
}

__attribute__((cold)) static void note_message(struct process *process, struct event *event)
{
    event->before = domain_peer(process->domain, event->to - 1)->sent - 1;
    process->messages = true;
}

void process_emit(struct process *process, struct event *event)
{
    if (process->broken)
        return;
    event->position = process->next_position;
    event->before = POSITION_NONE;
    if (event->to)
        note_message(process, event);
    process->broken = domain_fold(process->domain, &process->folding, event);
    event_write(process->out, event);
    outcome_note(&process->outcome, event);
    process->next_position++;
    process->events++;
}

bool process_has_room(const struct process *process)
{
    size_t room = (size_t)(process->out->end - process->out->at);
    return room >= PROCESS_STEP_BYTES && process->events < ENTRY_EVENTS_MAX - 2 * PROCESS_PIECES && !process->broken;
}
