/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the public headers share and has nothing to do with mobility: which names leave the library,
 * and what C and C++ write in different words.
 *
 * libbub is compiled with hidden symbols.  What is declared between BUB_API_BEGIN and BUB_API_END
 * is visible all the same, and with C linkage.
 */
#ifndef BUB_API_H
#define BUB_API_H

#ifdef __cplusplus

#define BUB_API_BEGIN                                                                              \
	_Pragma("GCC visibility push(default)") extern "C"                                         \
	{
#define BUB_API_END                                                                                \
	}                                                                                          \
	_Pragma("GCC visibility pop")
#define BUB_LITERAL(type) type /* BUB_LITERAL(t){1, 2}: a value of struct t */

#else

#define BUB_API_BEGIN _Pragma("GCC visibility push(default)")
#define BUB_API_END _Pragma("GCC visibility pop")
#define BUB_LITERAL(type) (struct type)

#endif

#endif
