/* The price levels of one side of a book. The tree is an AA tree (Andersson 1993): a red-black tree whose red links all lean to the
 * right, so that it stays balanced whatever prices an adversary chooses, with few cases to get wrong. */
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
static uint32_t skew(struct market *market, uint32_t tree)
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
static uint32_t split(struct market *market, uint32_t tree)
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

static uint32_t insert(struct market *market, int32_t side, uint32_t tree, uint32_t number, trading_decimal price)
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
static uint32_t settle(struct market *market, uint32_t tree)
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
static uint32_t replace(struct market *market, int32_t side, uint32_t number)
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

static uint32_t erase(struct market *market, int32_t side, uint32_t tree, uint32_t number)
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
static uint32_t search(const struct market *market, int32_t side, uint32_t tree, trading_decimal price, uint32_t *before,
                       uint32_t *after)
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

static void link_between(struct market *market, uint32_t instrument, int32_t side, uint32_t number, uint32_t before,
                         uint32_t after)
{
    struct level_record *level = edit(market, number);
    level->better = before;
    level->worse = after;
    if (after)
        edit(market, after)->better = number;
    if (before) {
        edit(market, before)->worse = number;
        return;
    }
    struct instrument_record *record = table_edit(market->instruments, instrument);
    record->sides[side_index(side)].best = number;
}

static void unlink_level(struct market *market, uint32_t instrument, int32_t side, const struct level_record *level)
{
    if (level->worse)
        edit(market, level->worse)->better = level->better;
    if (level->better) {
        edit(market, level->better)->worse = level->worse;
        return;
    }
    struct instrument_record *record = table_edit(market->instruments, instrument);
    record->sides[side_index(side)].best = level->worse;
}

static uint32_t take_free_level(struct market *market)
{
    struct exchange_record *exchange = table_edit(market->exchange, 1);
    uint32_t number = exchange->free_level;
    if (!number) {
        table_append(market->levels, &number);
        return number;
    }
    struct level_record *level = edit(market, number);
    exchange->free_level = level->worse;
    *level = (struct level_record){0};
    return number;
}

uint32_t book_find(const struct market *market, uint32_t instrument, int32_t side, trading_decimal price)
{
    uint32_t before;
    uint32_t after;
    return search(market, side, instrument_get(market, instrument)->sides[side_index(side)].root, price, &before, &after);
}

uint32_t book_level(struct market *market, uint32_t instrument, int32_t side, trading_decimal price)
{
    uint32_t root = instrument_get(market, instrument)->sides[side_index(side)].root;
    uint32_t before;
    uint32_t after;
    uint32_t number = search(market, side, root, price, &before, &after);
    if (number)
        return number;
    number = take_free_level(market);
    if (!number)
        return 0;
    struct level_record *level = edit(market, number);
    level->price = price;
    level->rank = 1;
    uint32_t grown = insert(market, side, root, number, price);
    struct instrument_record *record = table_edit(market->instruments, instrument);
    record->sides[side_index(side)].root = grown;
    link_between(market, instrument, side, number, before, after);
    return number;
}

void book_drop(struct market *market, uint32_t instrument, int32_t side, uint32_t number)
{
    uint32_t root = instrument_get(market, instrument)->sides[side_index(side)].root;
    uint32_t shrunk = erase(market, side, root, number);
    struct instrument_record *record = table_edit(market->instruments, instrument);
    record->sides[side_index(side)].root = shrunk;
    struct level_record *level = edit(market, number);
    unlink_level(market, instrument, side, level);
    struct exchange_record *exchange = table_edit(market->exchange, 1);
    *level = (struct level_record){.worse = exchange->free_level};
    exchange->free_level = number;
}
