package store

/*
#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
// All threads allocate what SQLite asks for in one place. Else the GNU C library gives each
// of them one of its own, up to eight for each processor, and keeps what is free in every
// one of them: twice as much as SQLite needs. A thread keeps the place that it had, so this
// is before the first of them, and before main.
__attribute__((constructor)) static void one_arena(void) { mallopt(M_ARENA_MAX, 1); }
#endif
*/
import "C"
