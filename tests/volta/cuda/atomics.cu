// Atomic operations: every space, type, operation, order and scope, with and without a result.
#include "forms.h"
#include <cuda_fp16.h>

#define A(OP, T, L) { T d; asm volatile("atom" OP " %0, [%1 + 8], %2;" : "=" L(d) : "l"(p), L(*(T*)memory) : "memory"); c.put(d); asm volatile("atom" OP " %0, [%1], %2;" : "=" L(d) : "l"(p), L(T(1)) : "memory"); c.put(d); }
#define R(OP, T, L) asm volatile("red" OP " [%0 + -8], %1;" :: "l"(p), L(*(T*)memory) : "memory"); asm volatile("red" OP " [%0 + 4096], %1;" :: "l"(p), L(T(3)) : "memory");
#define B(OP, T, L) A(OP, T, L)
#define INTEGERS(X, S) X(S ".add.u32", u32, "r") X(S ".add.s32", s32, "r") X(S ".add.u64", u64, "l") X(S ".min.u32", u32, "r") X(S ".min.s32", s32, "r") X(S ".min.u64", u64, "l") X(S ".min.s64", s64, "l") X(S ".max.u32", u32, "r") X(S ".max.s32", s32, "r") X(S ".max.u64", u64, "l") X(S ".max.s64", s64, "l") \
    X(S ".and.b32", u32, "r") X(S ".or.b32", u32, "r") X(S ".xor.b32", u32, "r") X(S ".and.b64", u64, "l") X(S ".or.b64", u64, "l") X(S ".xor.b64", u64, "l") X(S ".inc.u32", u32, "r") X(S ".dec.u32", u32, "r")
#define FLOATS(X, S) X(S ".add.f32", f32, "f") X(S ".add.f64", f64, "d") X(S ".add.noftz.f16x2", u32, "r") X(S ".add.noftz.f16", u16, "h")
#define EXCHANGES(S) A(S ".exch.b32", u32, "r") A(S ".exch.b64", u64, "l")
#define CAS(S) { u32 d; asm volatile("atom" S ".cas.b32 %0, [%1 + 16], %2, %3;" : "=r"(d) : "l"(p), "r"(u), "r"(*(u32*)memory) : "memory"); c.put(d); u64 e; asm volatile("atom" S ".cas.b64 %0, [%1 + 16], %2, %3;" : "=l"(e) : "l"(p), "l"((u64)u), "l"(*(u64*)memory) : "memory"); c.put(e); u16 h; asm volatile("atom" S ".cas.b16 %0, [%1 + 16], %2, %3;" : "=h"(h) : "l"(p), "h"((u16)u), "h"(*(u16*)memory) : "memory"); c.put(h); }
#define ATOMS(NAME, S) extern "C" __global__ void NAME(char* memory, char* q, u32 u) { Cursor c{memory}; char* p = q + 64 * threadIdx.x; INTEGERS(A, S) FLOATS(A, S) EXCHANGES(S) CAS(S) }
#define REDS(NAME, S) extern "C" __global__ void NAME(char* memory, char* q, u32 u) { char* p = q + 64 * threadIdx.x; INTEGERS(R, S) FLOATS(R, S) }
#define FEW(NAME, S) extern "C" __global__ void NAME(char* memory, char* q, u32 u) { Cursor c{memory}; char* p = q + 64 * threadIdx.x; A(S ".add.u32", u32, "r") A(S ".add.f32", f32, "f") A(S ".max.s64", s64, "l") EXCHANGES(S) CAS(S) }
#define FEWER(NAME, S) extern "C" __global__ void NAME(char* memory, char* q, u32 u) { char* p = q + 64 * threadIdx.x; R(S ".add.u32", u32, "r") R(S ".add.f64", f64, "d") R(S ".min.s64", s64, "l") R(S ".or.b32", u32, "r") }

ATOMS(global_atoms, ".global") ATOMS(generic_atoms, "") REDS(global_reds, ".global") REDS(generic_reds, "")
FEW(relaxed_cta, ".relaxed.cta.global") FEW(acquire_gpu, ".acquire.gpu.global") FEW(release_gpu, ".release.gpu.global") FEW(acq_rel_sys, ".acq_rel.sys.global") FEW(acq_rel_cta, ".acq_rel.cta.global") FEW(acq_rel_gpu, ".acq_rel.gpu") FEW(relaxed_sys, ".relaxed.sys")
FEWER(red_cta, ".relaxed.cta.global") FEWER(red_sys, ".relaxed.sys.global") FEWER(red_release, ".release.gpu.global") FEWER(red_generic, ".release.sys") FEWER(red_generic_cta, ".relaxed.cta")
#define S(OP, T, L) { T d; asm volatile("atom.shared" OP " %0, [%1 + 8], %2;" : "=" L(d) : "r"(s), L(*(T*)memory) : "memory"); c.put(d); asm volatile("atom.shared" OP " %0, [%1], %2;" : "=" L(d) : "r"(s), L(T(1)) : "memory"); c.put(d); }
#define SR(OP, T, L) asm volatile("red.shared" OP " [%0 + 8], %1;" :: "r"(s), L(*(T*)memory) : "memory"); asm volatile("red.shared" OP " [room + 64], %0;" :: L(T(2)) : "memory");
extern "C" __global__ void shared_atoms(char* memory, u32 u) { __shared__ u64 array[512]; Cursor c{memory}; array[threadIdx.x] = u; u32 s = (u32)__cvta_generic_to_shared(array + threadIdx.x); INTEGERS(S, "") c.put(array[3]); }
extern "C" __global__ void shared_floats(char* memory, u32 u) { __shared__ u64 array[512]; Cursor c{memory}; array[threadIdx.x] = u; u32 s = (u32)__cvta_generic_to_shared(array + threadIdx.x); FLOATS(S, "") S(".exch.b32", u32, "r") S(".exch.b64", u64, "l") c.put(array[3]);
    u32 d; asm volatile("atom.shared.cas.b32 %0, [%1 + 16], %2, %3;" : "=r"(d) : "r"(s), "r"(u), "r"(*(u32*)memory)); c.put(d); u64 e; asm volatile("atom.shared.cas.b64 %0, [%1 + 16], %2, %3;" : "=l"(e) : "r"(s), "l"((u64)u), "l"(*(u64*)memory)); c.put(e); }
extern "C" __global__ void shared_reds(char* memory, u32 u) { __shared__ u64 array[512]; asm volatile(".shared .align 8 .b8 room[128];"); Cursor c{memory}; array[threadIdx.x] = u; u32 s = (u32)__cvta_generic_to_shared(array + threadIdx.x); INTEGERS(SR, "") FLOATS(SR, "") c.put(array[3]); }
// Atomics that the compiler gathers over a warp, and locks.
extern "C" __global__ void gathered(u32* p, s32* q, f32* f, u32 u) {
    atomicAdd(p, 1); atomicAdd(p + 1, u); atomicMax(q, (s32)threadIdx.x); atomicAnd(p + 2, threadIdx.x); q[5] = atomicAdd(p + 3, 1); atomicAdd(f, 1.f); atomicAdd_system(p + 4, 2u); atomicAdd_block(p + 5, 3u); q[6] = atomicCAS_block(p + 6, u, 9u); atomicInc(p + 7, u);
    while (atomicCAS(p + 8, 0, 1)) __nanosleep(100);
    q[7]++; __threadfence(); atomicExch(p + 8, 0);
}
