// Forms that the other sources do not reach: scaled products, predicates in memory, rare types and combinations.
#include "forms.h"

extern "C" __global__ void scaled(f32* p, f32 u) {
    f32 a = p[threadIdx.x], b = p[threadIdx.x + 1], s = a + b, d = a - b;
    p[2] = s * u * 0.5f; p[3] = (a * b) * 0.25f; p[4] = (d * s) * 0.125f; p[5] = (a * u) * 2.f; p[6] = (b * s) * 4.f; p[7] = (b * d) * 8.f; p[8] = a * b * -0.5f; p[9] = (a * 3.f) * 0.25f;
    p[10] = fmaf(a, -1.f, b); p[11] = fmaf(a, b, -s); p[12] = a > __int_as_float(0x7f800000) ? b : s; p[13] = !(a < b) ? __int_as_float(0x7f800000) : d; p[14] = a != a ? __int_as_float(0xff800000) : b; p[15] = (a < b || s >= d) ? u : a; p[16] = (!(a < u) || !(b <= 2.f)) ? d : s;
}
extern "C" __global__ void combined(s32* p, f64* q, s32 u, s32 v) {
    s32 a = p[threadIdx.x], b = p[threadIdx.x + 1]; f64 x = q[threadIdx.x], y = q[threadIdx.x + 1];
    p[2] = (a != b || a == u) ? 5 : b; p[3] = (a >= v || b < 3) ? a : u; p[4] = (a != 3) ^ (b >= u) ? b : 1; p[5] = (x == y || x > 2.0) ? a : b; p[6] = (!(x <= y) || y != y) ? a : b; p[7] = ((u32)a <= (u32)b) ^ (a == 7); p[8] = (a == b) ^ (b != u) ? 3 : a; p[9] = (a < b && u > v) || a == 9; p[10] = (a <= 3 || (u32)b > 7u) && u != 3;
    q[2] = fma(fabs(x), y, 3.0); q[3] = fma(x, -y, y); q[4] = 1.0 - x; q[5] = __ll2double_rd(p[11]); q[6] = __ll2double_ru(p[12]); q[7] = __fma_rz(x, 0.5, y); p[13] = __double2int_rd(x); p[14] = __double2hiint(x) ^ __double2loint(y); q[8] = __hiloint2double(a, b);
    s64 l = ((s64*)p)[threadIdx.x + 40]; ((s64*)p)[41] = (s64)a * b + (s64)u; ((s64*)p)[42] = l + ((s64)a << 3); ((s64*)p)[43] = l * (s64)v + (s64)b; p[90] = (s32)(((s64)a * b) >> 35); p[91] = a * 100 + b; p[92] = (a >> 31) + b; p[93] = (s32)((u32)a >> 27) + b * 2; p[94] = a / 16; p[95] = a % 64; ((s64*)p)[48] = l / 8;
}
extern "C" __global__ void bytes_of_stack(signed char* p, s32 n) { signed char a[80]; s16 b[40]; for (int i = 0; i < 80; i++) a[i] = p[i] * n; for (int i = 0; i < 40; i++) b[i] = p[i] + n; a[n] = 3; b[n & 31] = 4; p[1] = a[p[0]] + b[p[2] & 31]; ((s32*)p)[3] = a[p[1] & 63]; ((s32*)p)[4] = b[p[5] & 31]; }
// Many predicates that live across calls and barriers go through registers and the stack.
__device__ __noinline__ s32 opaque(s32 a) { asm volatile("" : "+r"(a)); return a * 3 + clock(); }
extern "C" __global__ void many_predicates(s32* p, s32 n) {
    bool q[12]; s32 s = 0;
    for (int i = 0; i < 12; i++) q[i] = p[i * 32 + threadIdx.x] > i;
    for (int k = 0; k < n; k++) { s += opaque(k); if (q[0]) s++; if (q[1] ^ q[2]) s += p[k]; if (q[3] && q[4]) __syncthreads(); if (q[5]) s ^= opaque(s); for (int i = 6; i < 12; i++) if (q[i]) s = s * 5 + i; }
    p[threadIdx.x] = s;
}
extern "C" __global__ void mixed_dots(s32* p, u32* q) { s32 a = p[threadIdx.x]; u32 b = q[threadIdx.x]; q[1] = __dp2a_hi((ushort2&)b, (uchar4&)a, b); q[2] = __dp2a_lo(b, b, q[3]); q[4] = __dp2a_hi(b, (u32)a, q[5]); p[2] = __dp2a_hi(a, a, 7); p[3] = __dp4a(a, p[4], 5); }
extern "C" __global__ void counted(u32* p, u64* r, s32 n) { u32 i = atomicAdd(p, 2u); p[i + 1] = i * 2; r[0] = (u64)i + r[1]; atomicSub(p + 2, i); if (threadIdx.x > n) { u32 j = atomicAdd(p + 3, 1u); p[j] = 1; } atomicMin((s32*)p + 4, -n); atomicMax(p + 5, i); atomicOr(p + 6, 4u); atomicXor(p + 7, i); if (__syncthreads_and(i > 3)) p[9] = 3; }
