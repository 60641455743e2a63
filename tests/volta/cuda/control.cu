// Control flow: loops with every exit, switches, calls of all kinds, recursion, printing, assertions, groups of threads.
#include "forms.h"
#include <cooperative_groups.h>


__device__ __noinline__ s32 recursive(s32 n, s32* p) { return n < 2 ? p[n] : recursive(n - 1, p) + recursive(n - 2, p + 1) * n; }
__device__ __noinline__ f32 leaf(f32 a, f32 b) { return a / b + sqrtf(a); }
__device__ __noinline__ f64 wide_leaf(f64 a, s64 b, u32 c) { return a / (f64)b + c; }
struct Pair { f32 a; s64 b; f64 c[3]; };
__device__ __noinline__ Pair structure(Pair p, int i) { p.a += p.c[i]; p.b ^= i; p.c[i] = p.a; return p; }
typedef s32 (*Function)(s32);
__device__ s32 twice(s32 a) { return 2 * a; }
__device__ s32 square(s32 a) { return a * a; }
__device__ s32 negated(s32 a) { return -a; }
__device__ Function functions[3] = {twice, square, negated};
extern "C" __global__ void calls(s32* p, f32* f, f64* g, int n) {
    int i = threadIdx.x;
    p[i] = recursive(p[i] & 15, p); f[i] = leaf(f[i], f[i + 1]) + leaf(f[i + 2], 3.f); g[i] = wide_leaf(g[i], p[i], n); p[i + 1] = functions[p[i + 2] % 3](p[i + 3]);
    Pair q = {f[3], p[4], {g[1], g[2], g[3]}}; q = structure(q, n); g[7] = q.a + q.b + q.c[2]; if (i == 3) p[9] = functions[1](p[8]);
}
struct Shape { __device__ virtual f32 area() = 0; __device__ virtual ~Shape() {} };
struct Square : Shape { f32 a; __device__ Square(f32 x) : a(x) {} __device__ f32 area() override { return a * a; } };
struct Circle : Shape { f32 r; __device__ Circle(f32 x) : r(x) {} __device__ f32 area() override { return 3.14159f * r * r; } };
extern "C" __global__ void objects(f32* f) { Shape* s = f[0] > 1 ? (Shape*)new Square(f[1]) : (Shape*)new Circle(f[2]); f[threadIdx.x] = s->area(); delete s; char* m = (char*)malloc(threadIdx.x); if (m) m[0] = 1; free(m); }
extern "C" __global__ void texts(s32* p, f32* f) { printf("%d of %s: %f %lld\n", p[0], "some", f[1], (s64)p[2]); if (p[threadIdx.x] < 0) __assertfail("p >= 0", "control.cu", 7, "texts", 1); printf("end\n"); if (f[3] != f[3]) __trap(); if (p[4] == 9) __brkpt(); }
extern "C" __global__ void switches(s32* p, s32 u) {
    s32 a = p[threadIdx.x], b = p[threadIdx.x + 1];
    switch (a) { case 0: b += 3; break; case 1: b *= 5; p[1] = 2; break; case 2: b ^= a; break; case 3: b = __popc(b); case 4: b <<= 2; break; case 5: b = -b; break; case 6: p[b] = 1; return; case 7: __syncwarp(); break; case 8: b /= 3; break; case 9: b = p[b]; break; default: b = 1; }
    switch (u) { case 10: b += p[5]; break; case 11: b -= p[6]; break; case 12: b *= p[7]; break; case 13: b |= p[8]; break; case 14: b &= p[9]; break; case 15: b ^= p[10]; break; case 16: b = p[11] / b; break; case 100: b = 100; break; case 2000: b = 7; }
    p[threadIdx.x] = b;
}
extern "C" __global__ void loops(s32* p, f32* f, s32 n, s32 m) {
    s32 i = threadIdx.x, s = 0;
    while (p[i] != 0) { if (p[i] < 0) break; if (p[i] == 77) { p[i] = 3; return; } i = p[i]; if (i & 1) continue; s += i; for (s32 j = 0; j < i; j++) { if (p[j] == s) goto out; s ^= p[j]; } }
out:
    do { s = s * 3 + 1; if (s % 7 == 3) f[s & 31] += 1; } while (s < n);
    for (s32 j = 0; j < n; j++) for (s32 k = 0; k < m; k++) { if (f[j] > f[k]) { f32 t = f[j]; f[j] = f[k]; f[k] = t; __syncthreads(); } else if (p[k] > j) f[k] = sinf(f[j]); }
    for (s32 j = 0; j < 4; j++) if (__any_sync(0xffffffff, p[j + i] > 3)) p[j] = s; if (__all_sync(__activemask(), s > 3)) p[9] = s; if (n > 3) { __syncthreads(); p[3] = 1; } if (m > n) asm volatile("exit;"); p[5] = s;
}
namespace cg = cooperative_groups;
extern "C" __global__ void groups(s32* p, s32 n) {
    auto block = cg::this_thread_block(); auto tile = cg::tiled_partition<8>(block); auto warp = cg::tiled_partition<32>(block); auto active = cg::coalesced_threads();
    s32 a = p[block.thread_rank()]; a += tile.shfl_down(a, 2); a ^= warp.shfl_xor(a, 5); tile.sync(); if (tile.any(a > 3)) a++; p[1] = tile.ballot(a); if (a > 7) { auto inner = cg::coalesced_threads(); p[inner.thread_rank()] = inner.shfl(a, 0); if (inner.thread_rank() == 0) p[3] = inner.size(); } p[4] = warp.match_any(a); block.sync(); auto grid = cg::this_grid(); p[6] = grid.thread_rank(); if (n) grid.sync(); p[5] = active.size(); auto part = cg::labeled_partition(warp, a & 3); p[7] = part.size();
}
extern "C" __global__ void __launch_bounds__(1024, 2) crowded(f32* p, s32 n) { f32 v[96]; for (int i = 0; i < 96; i++) v[i] = p[i * 1024 + threadIdx.x]; for (int k = 0; k < n; k++) for (int i = 0; i < 96; i++) v[i] = v[i] * v[(i * 7 + 1) % 96] + p[k]; for (int i = 0; i < 96; i++) p[i * 1024 + threadIdx.x] = v[i]; }
