/* The price levels of one side of a book. The tree is an AA tree (Andersson 1993): a red-black tree whose red links all lean to the
 * right, so that it stays balanced whatever prices an adversary chooses, with few cases to get wrong. */
#include "base/hash.h"
#include "market/state.h"

static bool better(int32_t side, trading_decimal a, trading_decimal b)
{
    return side == TRADING_SIDE_BUY ? a > b : a < b;
}

static struct level_record *edit(struct market *market, uint32_t level)
{
    return table_edit(market->levels, level);
}

/* ---- the tree ---- */

/* A left link within one rank becomes a right one. */
__attribute__((cold)) static uint32_t skew(struct market *market, uint32_t tree)
{
    const struct level_record *top = level_get(market, tree);
    uint32_t left = top->left;
    if (!tree || !left || level_get(market, left)->rank != top->rank)
        return tree;
    struct level_record *down = edit(market, tree);
    struct level_record *up = edit(market, left);
    down->left = up->right;
    up->right = tree;
    return left;
}

/* Two right links within one rank become a node of the next. */
__attribute__((cold)) static uint32_t split(struct market *market, uint32_t tree)
{
    const struct level_record *top = level_get(market, tree);
    uint32_t right = top->right;
    uint32_t second = level_get(market, right)->right;
    if (!tree || !right || !second || level_get(market, second)->rank != top->rank)
        return tree;
    struct level_record *down = edit(market, tree);
    struct level_record *up = edit(market, right);
    down->right = up->left;
    up->left = tree;
    up->rank++;
    return right;
}

static void set_child(struct market *market, uint32_t tree, bool leftward, uint32_t before, uint32_t after)
{
    if (before == after)
        return;
    struct level_record *top = edit(market, tree);
    *(leftward ? &top->left : &top->right) = after;
}

__attribute__((cold)) static uint32_t insert(struct market *market, int32_t side, uint32_t tree, uint32_t number,
                                             trading_decimal price)
{
    if (!tree)
        return number;
    const struct level_record *top = level_get(market, tree);
    bool leftward = better(side, price, top->price);
    uint32_t child = leftward ? top->left : top->right;
    set_child(market, tree, leftward, child, insert(market, side, child, number, price));
    return split(market, skew(market, tree));
}

/* After a level went from below `tree`: ranks come down where a child is two below, and the links are set right. */
__attribute__((cold)) static uint32_t settle(struct market *market, uint32_t tree)
{
    const struct level_record *top = level_get(market, tree);
    uint32_t left = level_get(market, top->left)->rank; /* level 0 has rank 0 */
    uint32_t right = level_get(market, top->right)->rank;
    uint32_t most = (left < right ? left : right) + 1;
    if (most >= top->rank)
        return tree;
    struct level_record *changed = edit(market, tree);
    changed->rank = most;
    if (right > most)
        edit(market, changed->right)->rank = most;
    tree = skew(market, tree);
    uint32_t child = level_get(market, tree)->right;
    set_child(market, tree, false, child, skew(market, child));
    child = level_get(market, tree)->right;
    uint32_t grandchild = level_get(market, child)->right;
    set_child(market, child, false, grandchild, skew(market, grandchild));
    tree = split(market, tree);
    child = level_get(market, tree)->right;
    set_child(market, tree, false, child, split(market, child));
    return tree;
}

static uint32_t erase(struct market *market, int32_t side, uint32_t tree, uint32_t number);

/* Puts the neighbour in the order of prices in the place of the level that goes. */
__attribute__((cold)) static uint32_t replace(struct market *market, int32_t side, uint32_t number)
{
    struct level_record gone = *level_get(market, number);
    uint32_t neighbour = gone.left ? gone.left : gone.right;
    for (;;) {
        const struct level_record *at = level_get(market, neighbour);
        uint32_t further = gone.left ? at->right : at->left;
        if (!further)
            break;
        neighbour = further;
    }
    uint32_t rest = erase(market, side, gone.left ? gone.left : gone.right, neighbour);
    struct level_record *put = edit(market, neighbour);
    put->left = gone.left ? rest : 0;
    put->right = gone.left ? gone.right : rest;
    put->rank = gone.rank;
    return neighbour;
}

__attribute__((cold)) static uint32_t erase(struct market *market, int32_t side, uint32_t tree, uint32_t number)
{
    const struct level_record *top = level_get(market, tree);
    if (!tree || (tree == number && !top->left && !top->right))
        return 0;
    if (tree == number)
        return settle(market, replace(market, side, number));
    bool leftward = better(side, level_get(market, number)->price, top->price);
    uint32_t child = leftward ? top->left : top->right;
    set_child(market, tree, leftward, child, erase(market, side, child, number));
    return settle(market, tree);
}

/* The level of the price, or 0 and its neighbours to be. */
__attribute__((cold)) static uint32_t search(const struct market *market, int32_t side, uint32_t tree, trading_decimal price,
                                             uint32_t *before, uint32_t *after)
{
    *before = *after = 0;
    while (tree) {
        const struct level_record *level = level_get(market, tree);
        if (level->price == price)
            return tree;
        if (better(side, price, level->price)) {
            *after = tree;
            tree = level->left;
        } else {
            *before = tree;
            tree = level->right;
        }
    }
    return 0;
}

/* ---- the list ---- */

static void link_between(struct market *market, uint32_t number, uint32_t before, uint32_t after)
{
    struct level_record *level = edit(market, number);
    level->better = before;
    level->worse = after;
    if (after)
        edit(market, after)->better = number;
    if (before)
        edit(market, before)->worse = number;
}

static void unlink_level(struct market *market, const struct level_record *level)
{
    if (level->worse)
        edit(market, level->worse)->better = level->better;
    if (level->better)
        edit(market, level->better)->worse = level->worse;
}

/* ---- guessing ---- */

/* An adversary who makes guesses fail makes each order as dear as the search that the guess saves, and no dearer. */
static uint32_t hint_place(uint32_t book, trading_decimal price)
{
    return (uint32_t)(hash_mix((uint64_t)price ^ (uint64_t)book << 40) % BOOK_HINTS);
}

static uint32_t guess(const struct market *market, uint32_t book, trading_decimal price)
{
    uint32_t number = market->hints[hint_place(book, price)];
    const struct level_record *level = level_get(market, number);
    return level->price == price && level->book == book ? number : 0;
}

/* ---- vacant levels ----
 *
 * Every level of a side has orders or is in the side's list of vacant ones. */

/* Takes a level out of the list of vacant ones. */
static void unlink_vacant(struct market *market, struct book_side *of, struct level_record *level)
{
    if (level->first)
        edit(market, level->first)->last = level->last;
    else
        of->longest = level->last;
    if (level->last)
        edit(market, level->last)->first = level->first;
    else
        of->latest = level->first;
    of->vacant--;
    level->first = level->last = 0;
}

static void link_vacant(struct market *market, struct book_side *of, uint32_t number, struct level_record *level)
{
    level->first = of->latest;
    level->last = 0;
    if (of->latest)
        edit(market, of->latest)->last = number;
    else
        of->longest = number;
    of->latest = number;
    of->vacant++;
}

/* ---- making and dropping ---- */

static struct book_side *edit_side(struct market *market, uint32_t instrument, int32_t side)
{
    struct instrument_record *record = table_edit(market->instruments, instrument);
    return &record->sides[side_index(side)];
}

static const struct book_side *side_get(const struct market *market, uint32_t instrument, int32_t side)
{
    return &instrument_get(market, instrument)->sides[side_index(side)];
}

static uint32_t take_free_level(struct market *market)
{
    struct exchange_record *exchange = table_edit(market->exchange, 1);
    uint32_t number = exchange->free_level;
    if (number)
        exchange->free_level = level_get(market, number)->worse;
    else
        table_append(market->levels, &number);
    return number;
}

/* A level without an order. */
__attribute__((cold)) static uint32_t make(struct market *market, uint32_t instrument, int32_t side, trading_decimal price,
                                           uint32_t before, uint32_t after)
{
    uint32_t number = take_free_level(market);
    if (!number)
        return 0;
    struct level_record *level = edit(market, number);
    *level = (struct level_record){.price = price, .book = book_of(instrument, side), .rank = 1};
    link_between(market, number, before, after);
    struct book_side *of = edit_side(market, instrument, side);
    of->root = insert(market, side, of->root, number, price);
    link_vacant(market, of, number, level);
    return number;
}

/* Takes a vacant level out of the book. */
__attribute__((cold)) static void drop(struct market *market, struct book_side *of, int32_t side, uint32_t number)
{
    struct level_record *level = edit(market, number);
    of->root = erase(market, side, of->root, number);
    unlink_vacant(market, of, level);
    unlink_level(market, level);
    struct exchange_record *exchange = table_edit(market->exchange, 1);
    *level = (struct level_record){.worse = exchange->free_level};
    exchange->free_level = number;
}

uint32_t book_find(const struct market *market, uint32_t instrument, int32_t side, trading_decimal price)
{
    uint32_t before;
    uint32_t after;
    uint32_t number = guess(market, book_of(instrument, side), price);
    return number ? number : search(market, side, side_get(market, instrument, side)->root, price, &before, &after);
}

static uint32_t find_or_make(struct market *market, uint32_t instrument, int32_t side, trading_decimal price)
{
    uint32_t before;
    uint32_t after;
    uint32_t book = book_of(instrument, side);
    uint32_t number = guess(market, book, price);
    if (number)
        return number;
    number = search(market, side, side_get(market, instrument, side)->root, price, &before, &after);
    if (!number)
        number = make(market, instrument, side, price, before, after);
    market->hints[hint_place(book, price)] = number;
    return number;
}

struct level_record *book_fill(struct market *market, uint32_t instrument, int32_t side, trading_decimal price,
                               uint32_t *number)
{
    *number = find_or_make(market, instrument, side, price);
    if (!*number)
        return NULL;
    struct level_record *level = edit(market, *number);
    if (level->orders)
        return level;
    struct book_side *of = edit_side(market, instrument, side);
    unlink_vacant(market, of, level);
    if (!of->best || better(side, price, level_get(market, of->best)->price))
        of->best = *number;
    return level;
}

/* The best level from `number` on that has an order. No more than BOOK_VACANT are passed over. */
static uint32_t first_filled(const struct market *market, uint32_t number)
{
    while (number && level_get(market, number)->orders == 0)
        number = level_get(market, number)->worse;
    return number;
}

void book_vacate(struct market *market, uint32_t instrument, int32_t side, uint32_t number)
{
    struct book_side *of = edit_side(market, instrument, side);
    struct level_record *level = edit(market, number);
    link_vacant(market, of, number, level);
    if (of->best == number)
        of->best = first_filled(market, level->worse);
    if (of->vacant > BOOK_VACANT)
        drop(market, of, side, of->longest);
}
