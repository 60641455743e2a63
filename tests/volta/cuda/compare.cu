// Comparisons: of every type, relation and combination with a predicate, to predicates and to registers; selections.
#include "forms.h"

// The relation and type stand apart from the combination, which goes between them.
#define ALL(REL, TYPE, T, L)                                                                                      \
    BODY2("setp." REL TYPE " q, %1, %2; selp.s32 %0, 1, 0, q;", s32, "r", T, L, T, L)                             \
    BODY2("mov.u32 t0, %%tid.x; setp.gt.u32 r, t0, 3; setp." REL ".and" TYPE " q|s, %1, %2, !r; selp.s32 %0, 7, 9, q; @s neg.s32 %0, %0;", s32, "r", T, L, T, L)
#define MIXED(REL, TYPE, T, L)                                                                                    \
    BODY2("mov.u32 t0, %%tid.x; setp.gt.u32 r, t0, 3; setp." REL ".or" TYPE " q|s, %1, %2, r; selp.s32 %0, 7, 9, q; @!s not.b32 %0, %0;", s32, "r", T, L, T, L) \
    BODY2("mov.u32 t0, %%tid.x; setp.gt.u32 r, t0, 3; setp." REL ".xor" TYPE " q|s, %1, %2, r; selp.s32 %0, 7, 9, s; @q neg.s32 %0, %0;", s32, "r", T, L, T, L) \
    BODY2("set." REL ".u32" TYPE " %0, %1, %2;", s32, "r", T, L, T, L)
#define SIGNED(TYPE, T, L) ALL("eq", TYPE, T, L) ALL("ne", TYPE, T, L) ALL("lt", TYPE, T, L) ALL("le", TYPE, T, L) ALL("gt", TYPE, T, L) ALL("ge", TYPE, T, L) MIXED("lt", TYPE, T, L)
#define UNSIGNED(TYPE, T, L) ALL("eq", TYPE, T, L) ALL("lo", TYPE, T, L) ALL("ls", TYPE, T, L) ALL("hi", TYPE, T, L) ALL("hs", TYPE, T, L) MIXED("ne", TYPE, T, L)
#define FLOATING(TYPE, T, L) SIGNED(TYPE, T, L) ALL("equ", TYPE, T, L) ALL("neu", TYPE, T, L) ALL("ltu", TYPE, T, L) ALL("leu", TYPE, T, L) ALL("gtu", TYPE, T, L) ALL("geu", TYPE, T, L) ALL("num", TYPE, T, L) ALL("nan", TYPE, T, L) MIXED("nan", TYPE, T, L)

KERNEL(of_s32, s32) { BEGIN SIGNED(".s32", s32, "r") }
KERNEL(of_u32, s32) { BEGIN UNSIGNED(".u32", u32, "r") }
KERNEL(of_s64, s64) { BEGIN SIGNED(".s64", s64, "l") }
KERNEL(of_u64, s64) { BEGIN UNSIGNED(".u64", u64, "l") }
KERNEL(of_s16, s32) { BEGIN SIGNED(".s16", s16, "h") UNSIGNED(".u16", u16, "h") }
KERNEL(of_f32, f32) { BEGIN FLOATING(".f32", f32, "f") }
KERNEL(of_f32_ftz, f32) { BEGIN FLOATING(".ftz.f32", f32, "f") }
KERNEL(of_f64, f64) { BEGIN FLOATING(".f64", f64, "d") }

#define SET(REL, D, L, TYPE, T, TL) BINARY("set." REL "." D TYPE, s32, "r", T, TL, T, TL)
#define SETF(REL, TYPE, T, TL) BINARY("set." REL ".f32" TYPE, f32, "f", T, TL, T, TL)
KERNEL(sets, f32) {
    BEGIN SET("gt", "u32", "r", ".f32", f32, "f") SET("geu", "s32", "r", ".f32", f32, "f") SETF("lt", ".f32", f32, "f") SETF("eq.ftz", ".f32", f32, "f") SETF("num", ".f32", f32, "f")
    SETF("ne", ".s32", s32, "r") SETF("hi", ".u32", u32, "r") SETF("le", ".f64", f64, "d") SET("nan", "u32", "r", ".f64", f64, "d")
}
#define SELECT(OP, T, L, S, SL) TERNARY(OP, T, L, T, L, T, L, S, SL)
KERNEL(selections, s32) {
    BEGIN SELECT("slct.s32.s32", s32, "r", s32, "r") SELECT("slct.b32.f32", u32, "r", f32, "f") SELECT("slct.f32.s32", f32, "f", s32, "r") SELECT("slct.ftz.f32.f32", f32, "f", f32, "f")
    SELECT("slct.b64.s32", u64, "l", s32, "r") SELECT("slct.f64.f32", f64, "d", f32, "f")
    BODY2("setp.lt.s32 q, %1, 9; selp.b32 %0, %1, %2, q;", u32, "r", u32, "r", u32, "r") BODY2("setp.lt.s64 q, %1, 9; selp.b64 %0, %1, %2, q;", u64, "l", u64, "l", u64, "l")
    BODY2("setp.lt.f32 q, %1, 0f40000000; selp.f32 %0, %1, %2, q;", f32, "f", f32, "f", f32, "f") BODY2("setp.lt.f64 q, %1, 0d4000000000000000; selp.f64 %0, %1, %2, q;", f64, "d", f64, "d", f64, "d")
}
// Logic of predicates: every function of two, some of three, and predicates moved to registers and back.
#define LOGIC(OP) c.put([](s32 a, s32 b) { s32 d; asm volatile("{.reg .pred p, q, r, t; setp.lt.s32 p, %1, 3; setp.gt.s32 q, %2, 5; setp.eq.s32 t, %1, %2; " OP " selp.s32 %0, 1, 2, r;}" : "=r"(d) : "r"(a), "r"(b)); return d; }(a, b));
KERNEL(predicates, s32) {
    BEGIN s32 a = c.get<s32>(), b = c.get<s32>();
    LOGIC("and.pred r, p, q;") LOGIC("or.pred r, p, q;") LOGIC("xor.pred r, p, q;") LOGIC("not.pred r, p;") LOGIC("not.pred r, p; and.pred r, r, q;")
    LOGIC("not.pred r, q; or.pred r, r, p; xor.pred r, r, t;") LOGIC("and.pred r, p, q; or.pred r, r, t;") LOGIC("xor.pred r, p, q; xor.pred r, r, t;")
    LOGIC("and.pred r, p, q; not.pred r, r; and.pred r, r, t;") LOGIC("or.pred r, q, t; and.pred r, r, p; not.pred r, r;") LOGIC("mov.pred r, p;") LOGIC("setp.ne.and.s32 r|p, %1, 4, q; or.pred r, r, p;")
    bool s[8];
    for (int i = 0; i < 8; i++) s[i] = ((s32*)memory)[i * 32 + threadIdx.x] > u + i;
    for (int i = 0; i < 8; i++) c.put((s[i] && s[(i + 1) % 8]) || (!s[(i + 2) % 8] ^ s[(i + 3) % 8]) ? a : b);
    c.put(s[0] | s[1] << 1 | s[2] << 2 | s[3] << 3 | s[4] << 4 | s[5] << 5 | s[6] << 6 | s[7] << 7);
    for (int i = 0; i < 7; i++) if (s[i] && !s[i + 1]) __syncthreads();
}
