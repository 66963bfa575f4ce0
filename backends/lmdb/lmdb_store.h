/* The event store on LMDB, `lmdb:FOLDER`. In the folder: journal.mdb (commits), secrets.mdb and secrets.dat, snapshots/, lock, and,
 * if the engine keeps its state there, state.mdb. */
#ifndef LMDB_STORE_H
#define LMDB_STORE_H

#include <trading/plugin/store.h>

extern const trading_store_ops lmdb_store_ops;

#endif
