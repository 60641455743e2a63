// Conversions: between every two types, with every rounding, flushing and saturation that each takes.
#include "forms.h"

#define C1(OP, D, DL, A, AL) UNARY("cvt" OP, D, DL, A, AL)
#define TO_INTEGERS(R, FROM, A, AL)                                                                               \
    C1(R ".s16" FROM, s16, "h", A, AL) C1(R ".u16" FROM, u16, "h", A, AL) C1(R ".s32" FROM, s32, "r", A, AL)       \
    C1(R ".u32" FROM, u32, "r", A, AL) C1(R ".s64" FROM, s64, "l", A, AL) C1(R ".u64" FROM, u64, "l", A, AL)      \
    C1(R ".s8" FROM, s32, "r", A, AL) C1(R ".u8" FROM, u32, "r", A, AL)
#define FROM_INTEGERS(TO, D, DL)                                                                                  \
    C1(TO ".s16", D, DL, s16, "h") C1(TO ".u16", D, DL, u16, "h") C1(TO ".s32", D, DL, s32, "r")                   \
    C1(TO ".u32", D, DL, u32, "r") C1(TO ".s64", D, DL, s64, "l") C1(TO ".u64", D, DL, u64, "l")                  \
    C1(TO ".s8", D, DL, s32, "r") C1(TO ".u8", D, DL, u32, "r")

KERNEL(f32_to_integers, f32) { BEGIN TO_INTEGERS(".rni", ".f32", f32, "f") TO_INTEGERS(".rzi", ".f32", f32, "f") }
KERNEL(f32_to_integers_directed, f32) { BEGIN TO_INTEGERS(".rmi", ".f32", f32, "f") TO_INTEGERS(".rpi", ".f32", f32, "f") }
KERNEL(f32_to_integers_ftz, f32) { BEGIN TO_INTEGERS(".rni.ftz", ".f32", f32, "f") TO_INTEGERS(".rzi.ftz.sat", ".f32", f32, "f") }
KERNEL(f64_to_integers, f64) { BEGIN TO_INTEGERS(".rni", ".f64", f64, "d") TO_INTEGERS(".rzi", ".f64", f64, "d") TO_INTEGERS(".rmi.sat", ".f64", f64, "d") }
KERNEL(f16_to_integers, u32) { BEGIN TO_INTEGERS(".rni", ".f16", u16, "h") TO_INTEGERS(".rzi", ".f16", u16, "h") TO_INTEGERS(".rpi", ".f16", u16, "h") }
KERNEL(integers_to_f32, s32) { BEGIN FROM_INTEGERS(".rn.f32", f32, "f") FROM_INTEGERS(".rz.f32", f32, "f") FROM_INTEGERS(".rm.f32", f32, "f") FROM_INTEGERS(".rp.sat.f32", f32, "f") }
KERNEL(integers_to_f64, s32) { BEGIN FROM_INTEGERS(".rn.f64", f64, "d") FROM_INTEGERS(".rz.f64", f64, "d") FROM_INTEGERS(".rp.f64", f64, "d") }
KERNEL(integers_to_f16, s32) { BEGIN FROM_INTEGERS(".rn.f16", u16, "h") FROM_INTEGERS(".rz.f16", u16, "h") FROM_INTEGERS(".rm.sat.f16", u16, "h") }
KERNEL(between_floats, f32) {
    BEGIN C1(".rn.f16.f32", u16, "h", f32, "f") C1(".rz.f16.f32", u16, "h", f32, "f") C1(".rm.f16.f32", u16, "h", f32, "f") C1(".rp.f16.f32", u16, "h", f32, "f") C1(".rn.ftz.f16.f32", u16, "h", f32, "f") C1(".rn.sat.f16.f32", u16, "h", f32, "f")
    C1(".f32.f16", f32, "f", u16, "h") C1(".ftz.f32.f16", f32, "f", u16, "h") C1(".sat.f32.f16", f32, "f", u16, "h") C1(".f64.f32", f64, "d", f32, "f") C1(".ftz.f64.f32", f64, "d", f32, "f") C1(".sat.f64.f32", f64, "d", f32, "f") C1(".f64.f16", f64, "d", u16, "h")
    C1(".rn.f32.f64", f32, "f", f64, "d") C1(".rz.f32.f64", f32, "f", f64, "d") C1(".rm.f32.f64", f32, "f", f64, "d") C1(".rp.ftz.f32.f64", f32, "f", f64, "d") C1(".rn.sat.f32.f64", f32, "f", f64, "d") C1(".rn.f16.f64", u16, "h", f64, "d") C1(".rz.f16.f64", u16, "h", f64, "d")
}
KERNEL(to_integral, f32) {
    BEGIN C1(".rni.f32.f32", f32, "f", f32, "f") C1(".rzi.f32.f32", f32, "f", f32, "f") C1(".rmi.f32.f32", f32, "f", f32, "f") C1(".rpi.f32.f32", f32, "f", f32, "f") C1(".rni.ftz.f32.f32", f32, "f", f32, "f") C1(".rmi.sat.f32.f32", f32, "f", f32, "f")
    C1(".rni.f64.f64", f64, "d", f64, "d") C1(".rzi.f64.f64", f64, "d", f64, "d") C1(".rmi.f64.f64", f64, "d", f64, "d") C1(".rpi.f64.f64", f64, "d", f64, "d") C1(".sat.f64.f64", f64, "d", f64, "d") C1(".sat.f32.f32", f32, "f", f32, "f") C1(".ftz.f32.f32", f32, "f", f32, "f")
    C1(".rni.f16.f16", u16, "h", u16, "h") C1(".rzi.f16.f16", u16, "h", u16, "h") C1(".rmi.f16.f16", u16, "h", u16, "h") C1(".rpi.f16.f16", u16, "h", u16, "h") C1(".sat.f16.f16", u16, "h", u16, "h")
}
KERNEL(between_integers, s64) {
    BEGIN C1(".s32.s8", s32, "r", s32, "r") C1(".u32.u8", u32, "r", u32, "r") C1(".s32.s16", s32, "r", s16, "h") C1(".u32.u16", u32, "r", u16, "h") C1(".s64.s32", s64, "l", s32, "r") C1(".u64.u32", u64, "l", u32, "r") C1(".s64.s16", s64, "l", s16, "h") C1(".s64.s8", s64, "l", s32, "r")
    C1(".sat.s8.s32", s32, "r", s32, "r") C1(".sat.u8.s32", u32, "r", s32, "r") C1(".sat.s16.s32", s16, "h", s32, "r") C1(".sat.u16.u32", u16, "h", u32, "r") C1(".sat.s32.s64", s32, "r", s64, "l") C1(".sat.u32.s64", u32, "r", s64, "l") C1(".sat.u32.u64", u32, "r", u64, "l") C1(".sat.s64.u64", s64, "l", u64, "l") C1(".sat.s32.u32", s32, "r", u32, "r")
    C1(".u32.u64", u32, "r", u64, "l") C1(".u16.s64", u16, "h", s64, "l") C1(".s8.s64", s32, "r", s64, "l")
}
// Values that are narrow in memory.
extern "C" __global__ void narrow(signed char* a, u8* b, s16* c, u16* d, f32* f, f64* g, s64* l) {
    int i = threadIdx.x;
    f[0] = a[i]; f[1] = b[i]; f[2] = c[i]; f[3] = d[i]; f[4] = a[i] + b[i]; g[5] = a[i + 1]; g[6] = d[i + 1]; f[7] = (b[i] >> 4) + ((s32*)b)[i] / 256; f[8] = (f32)(((u32*)b)[i] >> 24); f[9] = (f32)(u8)(((u32*)b)[i] >> 8); f[10] = (s16)(((s32*)b)[i] >> 16);
    a[2] = f[i + 9]; b[3] = f[i + 10]; c[4] = g[i]; d[5] = f[i + 11]; l[6] = f[i + 12]; l[7] = g[i + 1]; f[13] = l[i]; g[14] = (u64)l[i]; f[15] = (f32)(u64)l[i]; g[16] = (f64)f[i]; f[17] = (f32)g[i];
}
