// Loads and stores: every space, width, caching, eviction, order and scope; prefetches and cache control; addresses.
#include "forms.h"

#define LOAD(OP, L, T) { T d; asm volatile("ld" OP " %0, [%1 + 16];" : "=" L(d) : "l"(p) : "memory"); c.put(d); }
#define LOADS(S) LOAD(S ".u8", "r", u32) LOAD(S ".s8", "r", s32) LOAD(S ".u16", "h", u16) LOAD(S ".s16", "r", s32) LOAD(S ".b32", "r", u32) LOAD(S ".b64", "l", u64)
#define LOADV(S)                                                                                                                      \
    { u32 x, y, z, w; asm volatile("ld" S ".v4.b32 {%0, %1, %2, %3}, [%4 + 32];" : "=r"(x), "=r"(y), "=r"(z), "=r"(w) : "l"(p) : "memory"); c.put(x ^ y ^ z ^ w); } \
    { u64 x, y; asm volatile("ld" S ".v2.b64 {%0, %1}, [%2 + -32];" : "=l"(x), "=l"(y) : "l"(p) : "memory"); c.put(x ^ y); }                      \
    { u32 x, y; asm volatile("ld" S ".v2.b32 {%0, %1}, [%2];" : "=r"(x), "=r"(y) : "l"(p) : "memory"); c.put(x ^ y); }
#define STORE(OP, L, V) asm volatile("st" OP " [%0 + 8], %1;" :: "l"(p), L(V) : "memory");
#define STORES(S) STORE(S ".u8", "r", u) STORE(S ".u16", "h", (u16)u) STORE(S ".b32", "r", u) STORE(S ".b64", "l", (u64)u * 3) STORE(S ".b32", "r", 0)
#define STOREV(S)                                                                                                                     \
    asm volatile("st" S ".v4.b32 [%0 + 32], {%1, %1, %2, %1};" :: "l"(p), "r"(u), "r"(v) : "memory");                                    \
    asm volatile("st" S ".v2.b64 [%0 + -64], {%1, %2};" :: "l"(p), "l"((u64)u), "l"((u64)v * u) : "memory");                              \
    asm volatile("st" S ".v2.b32 [%0], {%1, %2};" :: "l"(p), "r"(v), "r"(u) : "memory");
#define KERNELS(NAME, S)                                                                                                              \
    extern "C" __global__ void NAME(char* memory, char* q, u32 u, u32 v) {                                                              \
        Cursor c{memory}; char* p = q + threadIdx.x * 64; LOADS(S ) LOADV(S) STORES(S) STOREV(S) }
#define READS(NAME, S) extern "C" __global__ void NAME(char* memory, char* q) { Cursor c{memory}; char* p = q + threadIdx.x * 64; LOADS(S) LOADV(S) }
#define WRITES(NAME, S) extern "C" __global__ void NAME(char* memory, char* q, u32 u, u32 v) { char* p = q + threadIdx.x * 64; STORES(S) STOREV(S) }

KERNELS(global_weak, ".global")
KERNELS(global_volatile, ".volatile.global")
KERNELS(generic_weak, "")
KERNELS(generic_volatile, ".volatile")
READS(ld_ca, ".global.ca") READS(ld_cg, ".global.cg") READS(ld_cs, ".global.cs") READS(ld_lu, ".global.lu") READS(ld_cv, ".global.cv")
READS(ld_nc, ".global.nc") READS(ld_ca_nc, ".global.ca.nc") READS(ld_cg_nc, ".global.cg.nc") READS(ld_cs_nc, ".global.cs.nc")
READS(ld_generic_cs, ".cs") READS(ld_generic_cg, ".cg") READS(ld_generic_cv, ".cv") READS(ld_generic_lu, ".lu")
WRITES(st_wb, ".global.wb") WRITES(st_cg, ".global.cg") WRITES(st_cs, ".global.cs") WRITES(st_wt, ".global.wt") WRITES(st_generic_cs, ".cs") WRITES(st_generic_wt, ".wt")
READS(relaxed_cta, ".relaxed.cta.global") READS(relaxed_gpu, ".relaxed.gpu.global") READS(relaxed_sys, ".relaxed.sys.global") READS(relaxed_generic, ".relaxed.gpu")
READS(acquire_cta, ".acquire.cta.global") READS(acquire_gpu, ".acquire.gpu.global") READS(acquire_sys, ".acquire.sys.global") READS(acquire_generic, ".acquire.sys")
WRITES(st_relaxed_cta, ".relaxed.cta.global") WRITES(st_relaxed_gpu, ".relaxed.gpu.global") WRITES(st_relaxed_sys, ".relaxed.sys.global") WRITES(st_relaxed_generic, ".relaxed.cta")
WRITES(st_release_cta, ".release.cta.global") WRITES(st_release_gpu, ".release.gpu.global") WRITES(st_release_sys, ".release.sys.global") WRITES(st_release_generic, ".release.gpu")
extern "C" __global__ void mmio(char* memory, char* q, u32 u, u32 v) { Cursor c{memory}; char* p = q + threadIdx.x * 64; LOADS(".mmio.relaxed.sys.global") STORES(".mmio.relaxed.sys.global") LOADS(".mmio.relaxed.sys") STORES(".mmio.relaxed.sys") }
extern "C" __global__ void eviction(char* memory, char* q, u32 u, u32 v) {
    Cursor c{memory}; char* p = q + threadIdx.x * 64;
    LOAD(".global.L1::evict_normal.b32", "r", u32) LOAD(".global.L1::evict_unchanged.b32", "r", u32) LOAD(".global.L1::evict_first.b32", "r", u32) LOAD(".global.L1::evict_last.b32", "r", u32) LOAD(".global.L1::no_allocate.b32", "r", u32)
    LOAD(".global.nc.L1::evict_unchanged.b32", "r", u32) LOAD(".global.nc.L1::evict_first.b64", "l", u64) LOAD(".global.nc.L1::evict_last.b32", "r", u32) LOAD(".global.nc.L1::no_allocate.b32", "r", u32) LOAD(".L1::evict_last.b32", "r", u32) LOAD(".L1::evict_first.b32", "r", u32) LOAD(".L1::no_allocate.b32", "r", u32) LOAD(".L1::evict_unchanged.b32", "r", u32)
    STORE(".global.L1::evict_normal.b32", "r", u) STORE(".global.L1::evict_unchanged.b32", "r", u) STORE(".global.L1::evict_first.b32", "r", u) STORE(".global.L1::evict_last.b64", "l", (u64)v) STORE(".global.L1::no_allocate.b32", "r", v) STORE(".L1::evict_last.b32", "r", u) STORE(".L1::evict_first.b32", "r", u) STORE(".L1::no_allocate.b32", "r", u)
    asm volatile("prefetch.global.L1 [%0]; prefetch.global.L2 [%0 + 128]; prefetch.L1 [%0]; prefetch.L2 [%0 + 64]; prefetchu.L1 [%0];" :: "l"(p));
   
    u32 s; asm volatile("{.reg .pred a; isspacep.global a, %1; selp.u32 %0, 1, 2, a;}" : "=r"(s) : "l"(p)); c.put(s); asm volatile("{.reg .pred a; isspacep.shared a, %1; selp.u32 %0, 1, 2, a;}" : "=r"(s) : "l"(p)); c.put(s);
    asm volatile("{.reg .pred a; isspacep.local a, %1; selp.u32 %0, 1, 2, a;}" : "=r"(s) : "l"(p)); c.put(s); asm volatile("{.reg .pred a; isspacep.const a, %1; selp.u32 %0, 1, 2, a;}" : "=r"(s) : "l"(p)); c.put(s);
    u64 t; asm volatile("cvta.to.shared.u64 %0, %1;" : "=l"(t) : "l"(p)); c.put(t); asm volatile("cvta.to.local.u64 %0, %1;" : "=l"(t) : "l"(p)); c.put(t); asm volatile("cvta.shared.u64 %0, %1;" : "=l"(t) : "l"(p)); c.put(t);
}
#define SHARED(V)                                                                                                                      \
    { u32 d; asm volatile("ld" V ".shared.u8 %0, [%1 + 3];" : "=r"(d) : "r"(s)); c.put(d); asm volatile("ld" V ".shared.s8 %0, [%1];" : "=r"(d) : "r"(s)); c.put(d); asm volatile("ld" V ".shared.s16 %0, [%1 + 2];" : "=r"(d) : "r"(s)); c.put(d); \
      asm volatile("ld" V ".shared.u16 %0, [%1 + -2];" : "=r"(d) : "r"(s)); c.put(d); asm volatile("ld" V ".shared.b32 %0, [%1 + 0x7ff0];" : "=r"(d) : "r"(s)); c.put(d);                                              \
      u64 e, f; asm volatile("ld" V ".shared.b64 %0, [%1];" : "=l"(e) : "r"(s)); c.put(e); asm volatile("ld" V ".shared.v2.b64 {%0, %1}, [%2];" : "=l"(e), "=l"(f) : "r"(s)); c.put(e ^ f);                        \
      asm volatile("st" V ".shared.u8 [%0], %1; st" V ".shared.u16 [%0 + 4], %1; st" V ".shared.b32 [%0 + 8], %1; st" V ".shared.b64 [%0 + 16], %2; st" V ".shared.v2.b64 [%0 + 32], {%2, %3}; st" V ".shared.b32 [room + 16], %1;" :: "r"(s), "r"(u), "l"(e), "l"(f)); }
extern "C" __global__ void shared(char* memory, u32 u) { __shared__ u64 array[4096]; asm volatile(".shared .align 8 .b8 room[64];"); Cursor c{memory}; array[threadIdx.x] = u; u32 s = (u32)__cvta_generic_to_shared(array + threadIdx.x * 2); SHARED("") __syncthreads(); SHARED(".volatile") SHARED(".relaxed.cta") c.put(array[5]); c.put(array[u]); }
// Arrays of threads in local memory, indexed, in all widths.
extern "C" __global__ void local(char* memory, u32 u, u32 v) {
    Cursor c{memory}; u64 a[64]; u8 b[64]; u16 h[64]; uint4 q[16]; u32 w[128];
    for (int i = 0; i < 64; i++) { a[i] = i * u; b[i] = i + v; h[i] = i ^ v; }
    for (int i = 0; i < 16; i++) q[i] = make_uint4(u, v, i, u ^ v);
    for (int i = 0; i < 128; i++) w[i] = clock();
    a[u] = v; b[v] = u; h[u] = v; w[u] = 3;
    uint4 z = q[u & 15]; c.put(a[v]); c.put((u32)b[u]); c.put((u32)h[v]); c.put(z.x + z.y + z.z + z.w); c.put((s32)(signed char)b[v]); c.put((s32)(s16)h[u]); c.put(w[v]); c.put(*(volatile u32*)(w + (v & 7))); *(volatile u64*)(a + (u & 7)) = u; c.put(*(u64*)(w + 2 * (u & 3)));
    asm volatile("{.local .align 16 .b8 room[64]; .reg .b64 t; .reg .b32 x; mov.u64 t, room; ld.local.cs.b32 x, [room + 4]; st.local.cg.b32 [room + 8], x; ld.local.cv.b32 x, [room]; st.local.b32 [room + 12], x; st.local.wt.b32 [room + 12], x; ld.local.lu.b32 x, [room + 16]; st.local.b32 [room], x;}");
}
__constant__ u32 numbers[512]; __constant__ u64 longs[128]; __constant__ u8 bytes[256]; __constant__ s16 shorts[128]; __constant__ uint4 quads[16]; __device__ u32 table[256]; __device__ u32* pointers[4] = {table, table + 3, table + 9, nullptr};
extern "C" __global__ void constant(char* memory, u32 u, s32 i, u32 many __attribute__((unused)), u64 at) {
    Cursor c{memory}; u32 t = threadIdx.x;
    c.put(numbers[3] + t); c.put(numbers[t]); c.put(numbers[u] * t); c.put(longs[t]); c.put(longs[7] + t); c.put((u32)bytes[t + 3]); c.put((s32)shorts[t]); c.put((s32)(signed char)bytes[t]); c.put((u32)(u16)shorts[t + 1]); uint4 q = quads[t & 15]; c.put(q.x + q.y * q.z ^ q.w); c.put(numbers[i] & 0xff & t); c.put(table[t]); table[u] = t; c.put((u64)pointers[t & 3]);
    c.put(numbers[100 + (t >> 3)]); u32 d; asm volatile("ld.const.b32 %0, [numbers + 64];" : "=r"(d)); c.put(d); asm volatile("ld.const.v4.u32 {%0, _, _, _}, [quads + 16];" : "=r"(d)); c.put(d); asm volatile("ld.param.u32 %0, [constant_param_1];" : "=r"(d)); c.put(d + t);
}
