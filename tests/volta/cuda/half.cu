// Half precision: scalars, pairs, flushing, saturation, comparisons, mixed operands.
#include "forms.h"
#include <cuda_fp16.h>

template <class F>
DEVICE void pairs1(Cursor& c, u32 u, F f) {
    const u32 a = c.get<u32>();
    c.put(f(a)); c.put(f(u)); c.put(f(a ^ 0x80008000u)); c.put(f(0x3c004000u));
}
template <class F>
DEVICE void pairs2(Cursor& c, u32 u, F f) {
    const u32 a = c.get<u32>(), b = c.get<u32>();
    u32 na, nb, ab, la, hb;
    asm volatile("neg.f16x2 %0, %1;" : "=r"(na) : "r"(a));
    asm volatile("neg.f16x2 %0, %1;" : "=r"(nb) : "r"(b));
    asm volatile("abs.f16x2 %0, %1;" : "=r"(ab) : "r"(b));
    asm volatile("prmt.b32 %0, %1, %1, 0x1010;" : "=r"(la) : "r"(a));
    asm volatile("prmt.b32 %0, %1, %1, 0x3232;" : "=r"(hb) : "r"(b));
    c.put(f(a, b)); c.put(f(a, u)); c.put(f(u, b)); c.put(f(na, b)); c.put(f(a, nb)); c.put(f(a, ab)); c.put(f(la, b)); c.put(f(a, hb)); c.put(f(la, hb));
    c.put(f(a, 0x3c003c00u)); c.put(f(a, 0xc2004248u)); c.put(f(a, 0x7c00fe00u)); c.put(f(a, a)); c.put(f(nb, u));
}
template <class F>
DEVICE void pairs3(Cursor& c, u32 u, F f) {
    const u32 z = c.get<u32>();
    pairs2(c, u, [=](u32 a, u32 b) { return f(a, b, z); });
    pairs2(c, u, [=](u32 a, u32 b) { return f(z, a, b); });
    pairs2(c, u, [=](u32 a, u32 b) { return f(b, z, a); });
}
#define P1(OP) pairs1(c, u, [](u32 a) { u32 d; asm volatile(OP " %0, %1;" : "=r"(d) : "r"(a)); return d; });
#define P2(OP) pairs2(c, u, [](u32 a, u32 b) { u32 d; asm volatile(OP " %0, %1, %2;" : "=r"(d) : "r"(a), "r"(b)); return d; });
#define P3(OP) pairs3(c, u, [](u32 x, u32 y, u32 z) { u32 d; asm volatile(OP " %0, %1, %2, %3;" : "=r"(d) : "r"(x), "r"(y), "r"(z)); return d; });
#define H2(OP) BINARY(OP, u16, "h", u16, "h", u16, "h")
#define H3(OP) TERNARY(OP, u16, "h", u16, "h", u16, "h", u16, "h")

KERNEL(sums, u32) { BEGIN P2("add.f16x2") P2("add.ftz.f16x2") P2("add.sat.f16x2") P2("add.ftz.sat.f16x2") P2("sub.f16x2") P2("sub.sat.f16x2") }
KERNEL(products, u32) { BEGIN P2("mul.f16x2") P2("mul.ftz.f16x2") P2("mul.sat.f16x2") P2("mul.ftz.sat.f16x2") }
KERNEL(fmas, u32) { BEGIN P3("fma.rn.f16x2") P3("fma.rn.ftz.f16x2") P3("fma.rn.sat.f16x2") P3("fma.rn.ftz.sat.f16x2") }
KERNEL(scalars, u32) {
    BEGIN H2("add.f16") H2("sub.ftz.f16") H2("mul.f16") H2("mul.sat.f16") H2("add.ftz.sat.f16") H3("fma.rn.f16") H3("fma.rn.ftz.f16") H3("fma.rn.sat.f16")
    UNARY("neg.f16", u16, "h", u16, "h") UNARY("abs.f16", u16, "h", u16, "h") P1("neg.f16x2") P1("abs.f16x2") P1("abs.ftz.f16x2")
}
#define S2(REL) P2("set." REL ".f16x2.f16x2") P2("set." REL ".ftz.f16x2.f16x2") \
    pairs2(c, u, [](u32 a, u32 b) { u32 d; asm volatile("{.reg .pred q, r, s; setp.eq.u32 s, %1, %2; setp." REL ".f16x2 q|r, %1, %2; selp.u32 %0, 3, 5, q; @r add.u32 %0, %0, 1;}" : "=r"(d) : "r"(a), "r"(b)); return d; });
KERNEL(relations, u32) { BEGIN S2("eq") S2("ne") S2("lt") S2("le") S2("gt") S2("ge") S2("equ") }
KERNEL(relations_unordered, u32) { BEGIN S2("neu") S2("ltu") S2("leu") S2("gtu") S2("geu") S2("num") S2("nan") }
#define C2(BOOL) pairs2(c, u, [](u32 a, u32 b) { u32 d; asm volatile("{.reg .pred q, r, s; setp.gt.u32 s, %1, 9; setp.lt." BOOL ".ftz.f16x2 q|r, %1, %2, !s; selp.u32 %0, 3, 5, q; @r add.u32 %0, %0, 1;}" : "=r"(d) : "r"(a), "r"(b)); return d; });
KERNEL(combined, u32) {
    BEGIN C2("and") C2("or") C2("xor")
    BODY2("setp.lt.f16 q, %1, %2; selp.s32 %0, 1, 0, q;", s32, "r", u16, "h", u16, "h") BODY2("setp.neu.ftz.f16 q, %1, %2; selp.s32 %0, 1, 0, q;", s32, "r", u16, "h", u16, "h")
    BODY2("set.gt.f16.f16 %0, %1, %2;", u16, "h", u16, "h", u16, "h") BODY2("set.gt.u32.f16 %0, %1, %2;", u32, "r", u16, "h", u16, "h")
}
extern "C" __global__ void mixed(__half2* p, f32* q, __half2 u, f32 v) {
    __half2 a = p[threadIdx.x], b = p[threadIdx.x + 1], s = __lows2half2(a, b);
    p[2] = __hfma2(a, b, u); p[3] = __hadd2(__low2half2(a), b); p[4] = __hmul2(__high2half2(a), __low2half2(b)); p[5] = __hfma2(__low2half2(a), b, __high2half2(b)); p[6] = __hadd2_sat(a, __hneg2(b));
    p[7] = __halves2half2(__high2half(a), __low2half(b)); p[8] = h2exp(a); p[9] = h2rcp(b); p[10] = h2sqrt(a); p[11] = h2sin(b); p[12] = __h2div(a, b); p[13] = h2floor(a); p[14] = h2rint(b); p[15] = h2log2(s);
    q[0] = __low2float(a) + __high2float(b); q[1] = __half2float(__hadd(__low2half(a), __high2half(b))); q[2] = __half2float(__high2half(a)) * v; p[16] = __floats2half2_rn(q[3], v); p[17] = __float2half2_rn(q[4]);
    p[18] = __hmul2(a, __float2half2_rn(0.5f)); p[19] = __hfma2(a, __float2half2_rn(2.f), __floats2half2_rn(1.f, -3.f)); p[20] = __hmin2(a, b); p[21] = __hmax2(a, u); p[22] = __hlt2(a, b); p[23] = __hfma2_relu(a, b, s); p[24] = __hmax2_nan(a, b);
    if (__hbgt2(a, b)) p[25] = s;
    if (__hge(__low2half(a), __high2half(b))) p[26] = u;
    if (__hisnan(__low2half(a))) p[27] = b;
}
