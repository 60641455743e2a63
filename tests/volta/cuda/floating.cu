// Floating-point arithmetic of 32 and 64 bits: rounding, flushing, saturation, special functions, division.
#include "forms.h"

#define FF(OP) BINARY(OP, f32, "f", f32, "f", f32, "f")
#define DD(OP) BINARY(OP, f64, "d", f64, "d", f64, "d")
#define FFF(OP) TERNARY(OP, f32, "f", f32, "f", f32, "f", f32, "f")
#define DDD(OP) TERNARY(OP, f64, "d", f64, "d", f64, "d", f64, "d")
#define F(OP) UNARY(OP, f32, "f", f32, "f")
#define D(OP) UNARY(OP, f64, "d", f64, "d")

KERNEL(add32, f32) { BEGIN FF("add.f32") FF("add.rz.f32") FF("add.rm.f32") FF("add.rp.f32") FF("add.ftz.f32") FF("add.sat.f32") FF("add.rm.ftz.sat.f32") FF("sub.f32") FF("sub.rp.f32") }
KERNEL(mul32, f32) { BEGIN FF("mul.f32") FF("mul.rz.f32") FF("mul.rm.f32") FF("mul.rp.f32") FF("mul.ftz.f32") FF("mul.sat.f32") FF("mul.rp.ftz.sat.f32") }
KERNEL(fma32, f32) { BEGIN FFF("fma.rn.f32") FFF("fma.rz.f32") FFF("fma.rm.f32") FFF("fma.rp.f32") FFF("fma.rn.ftz.f32") FFF("fma.rn.sat.f32") FFF("fma.rp.ftz.sat.f32") FFF("mad.rn.f32") }
KERNEL(extremes32f, f32) { BEGIN FF("min.f32") FF("max.f32") FF("min.ftz.f32") FF("max.ftz.f32") FF("copysign.f32") F("abs.f32") F("neg.f32") F("abs.ftz.f32") F("neg.ftz.f32") }
KERNEL(divide32f, f32) { BEGIN FF("div.rn.f32") FF("div.approx.f32") FF("div.full.f32") FF("div.approx.ftz.f32") }
KERNEL(divide32g, f32) { BEGIN FF("div.rz.f32") FF("div.rp.ftz.f32") }
KERNEL(special32, f32) {
    BEGIN F("rcp.approx.f32") F("rcp.approx.ftz.f32") F("rsqrt.approx.f32") F("rsqrt.approx.ftz.f32") F("sqrt.approx.f32") F("sqrt.approx.ftz.f32") F("sin.approx.f32")
    F("sin.approx.ftz.f32") F("cos.approx.f32") F("cos.approx.ftz.f32") F("lg2.approx.f32") F("lg2.approx.ftz.f32") F("ex2.approx.f32") F("ex2.approx.ftz.f32")
}
KERNEL(exact32, f32) { BEGIN F("rcp.rn.f32") F("sqrt.rn.f32") F("rcp.rz.f32") F("sqrt.rp.f32") F("sqrt.rn.ftz.f32") }
KERNEL(classes, f32) {
    BEGIN BODY2("testp.finite.f32 q, %1; testp.infinite.f32 r, %2; testp.number.f32 s, %1; selp.s32 %0, 1, 2, q; @r add.s32 %0, %0, 9; @s neg.s32 %0, %0;", s32, "r", f32, "f", f32, "f")
    BODY2("testp.notanumber.f32 q, %1; testp.normal.f32 r, %2; testp.subnormal.f32 s, %1; selp.s32 %0, 1, 2, q; @r add.s32 %0, %0, 9; @s neg.s32 %0, %0;", s32, "r", f32, "f", f32, "f")
    BODY2("testp.normal.f64 q, %1; testp.subnormal.f64 r, %2; testp.infinite.f64 s, %1; selp.s32 %0, 1, 2, q; @r add.s32 %0, %0, 9; @s neg.s32 %0, %0;", s32, "r", f64, "d", f64, "d")
}
KERNEL(add64, f64) { BEGIN DD("add.f64") DD("add.rz.f64") DD("add.rm.f64") DD("add.rp.f64") DD("sub.f64") DD("sub.rz.f64") }
KERNEL(mul64, f64) { BEGIN DD("mul.f64") DD("mul.rz.f64") DD("mul.rm.f64") DD("mul.rp.f64") }
KERNEL(fma64, f64) { BEGIN DDD("fma.rn.f64") DDD("fma.rz.f64") DDD("fma.rm.f64") DDD("fma.rp.f64") }
KERNEL(extremes64, f64) { BEGIN DD("min.f64") DD("max.f64") DD("copysign.f64") D("abs.f64") D("neg.f64") }
KERNEL(divide64f, f64) { BEGIN DD("div.rn.f64") }
KERNEL(special64, f64) { BEGIN D("rcp.rn.f64") D("sqrt.rn.f64") D("rcp.approx.ftz.f64") D("rsqrt.approx.f64") D("rsqrt.approx.ftz.f64") }
extern "C" __global__ void functions(f32* p, f64* q, f32 u) {
    f32 a = p[threadIdx.x], b = p[threadIdx.x + 1];
    p[2] = sinf(a); p[3] = cosf(b); p[4] = expf(a); p[5] = logf(b); p[6] = powf(a, u); p[7] = tanhf(a); p[8] = atan2f(a, b); p[9] = fmodf(a, b); p[10] = rsqrtf(a); p[11] = erff(b);
    p[12] = ldexpf(a, 3); p[13] = __fdividef(a, u); p[14] = __sinf(a) + __expf(b) * __logf(a); p[15] = __saturatef(a * b + u); p[16] = a / 3.f; p[17] = a * 8.f; p[18] = a * 0.125f + 1e30f;
    p[19] = __int_as_float(0x7f800000) - a; p[20] = __int_as_float(0xffc00000) * b; p[21] = fmaxf(a, 0.f); p[22] = fabsf(a) - fabsf(b); p[23] = 1.f - a; p[24] = -a * b + u; p[25] = a * 2.f + b * 4.f; p[26] = floorf(a) + rintf(b);
    f64 x = q[threadIdx.x];
    q[1] = exp(x); q[2] = log(x); q[3] = x / 3.0; q[4] = floor(x) + rint(x) + trunc(x) + ceil(x); q[5] = fma(x, 2.0, -1.0); q[6] = x * 1e300 + __longlong_as_double(0x7ff0000000000000ll);
}
