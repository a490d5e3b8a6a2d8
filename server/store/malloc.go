package store

/*
#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
static void one_arena(void) { mallopt(M_ARENA_MAX, 1); }
#else
static void one_arena(void) {}
#endif
*/
import "C"

import "sync"

// oneArena makes all threads allocate what SQLite asks for in one place. Else the GNU C
// library gives each thread one of its own, up to eight for each processor, and keeps what
// is free in every one of them: twice as much as SQLite needs.
var oneArena = sync.OnceFunc(func() { C.one_arena() })
