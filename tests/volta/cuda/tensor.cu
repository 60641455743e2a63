// Matrix products of warps: every layout and type of m8n8k4, every shape, layout and type of wmma, loads and stores.
#include "forms.h"
#include <mma.h>

#define PRODUCT_F32(A, B)                                                                                                              \
    { f32 d[8]; asm volatile("mma.sync.aligned.m8n8k4." A "." B ".f32.f16.f16.f32 {%0,%1,%2,%3,%4,%5,%6,%7}, {%8,%9}, {%10,%11}, {%12,%13,%14,%15,%16,%17,%18,%19};" \
        : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3]), "=f"(d[4]), "=f"(d[5]), "=f"(d[6]), "=f"(d[7])                                    \
        : "r"(a[0]), "r"(a[1]), "r"(b[0]), "r"(b[1]), "f"(f[0]), "f"(f[1]), "f"(f[2]), "f"(f[3]), "f"(f[4]), "f"(f[5]), "f"(f[6]), "f"(f[7])); \
      for (int i = 0; i < 8; i++) c.put(d[i]); }
#define PRODUCT_MIXED(A, B)                                                                                                            \
    { f32 d[8]; asm volatile("mma.sync.aligned.m8n8k4." A "." B ".f32.f16.f16.f16 {%0,%1,%2,%3,%4,%5,%6,%7}, {%8,%9}, {%10,%11}, {%12,%13,%14,%15};" \
        : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3]), "=f"(d[4]), "=f"(d[5]), "=f"(d[6]), "=f"(d[7])                                    \
        : "r"(a[0]), "r"(a[1]), "r"(b[0]), "r"(b[1]), "r"(h[0]), "r"(h[1]), "r"(h[2]), "r"(h[3]));                                          \
      for (int i = 0; i < 8; i++) c.put(d[i]); }
#define PRODUCT_F16(A, B)                                                                                                              \
    { u32 d[4]; asm volatile("mma.sync.aligned.m8n8k4." A "." B ".f16.f16.f16.f16 {%0,%1,%2,%3}, {%4,%5}, {%6,%7}, {%8,%9,%10,%11};"       \
        : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3])                                                                                \
        : "r"(a[0]), "r"(a[1]), "r"(b[0]), "r"(b[1]), "r"(h[0]), "r"(h[1]), "r"(h[2]), "r"(h[3]));                                          \
      for (int i = 0; i < 4; i++) c.put(d[i]); }
#define EVERY(P) P("row", "col") P("row", "row") P("col", "col") P("col", "row")
#define PRODUCTS(NAME, P)                                                                                                              \
    extern "C" __global__ void NAME(char* memory) { Cursor c{memory + threadIdx.x * 8}; u32 a[2], b[2], h[4]; f32 f[8];                     \
        for (int i = 0; i < 2; i++) { a[i] = c.get<u32>(); b[i] = c.get<u32>(); } for (int i = 0; i < 4; i++) h[i] = c.get<u32>(); for (int i = 0; i < 8; i++) f[i] = c.get<f32>(); EVERY(P) }
PRODUCTS(products_f32, PRODUCT_F32) PRODUCTS(products_mixed, PRODUCT_MIXED) PRODUCTS(products_f16, PRODUCT_F16)
// A product that is added up, from zero, in a loop.
extern "C" __global__ void chain(const uint2* p, const uint2* q, f32* out, int n) {
    f32 d[8] = {};
    for (int i = threadIdx.x; i < n; i += 32) {
        uint2 a = p[i], b = q[i];
        asm volatile("mma.sync.aligned.m8n8k4.row.col.f32.f16.f16.f32 {%0,%1,%2,%3,%4,%5,%6,%7}, {%8,%9}, {%10,%11}, {%0,%1,%2,%3,%4,%5,%6,%7};" : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]) : "r"(a.x), "r"(a.y), "r"(b.x), "r"(b.y));
    }
    for (int i = 0; i < 8; i++) out[i * 32 + threadIdx.x] = d[i];
}
using namespace nvcuda::wmma;
template <int M, int N, int K, class A, class B, class C, class D>
DEVICE void multiply(const __half* a, const __half* b, const C* c, D* d, layout_t order, bool saturate) {
    fragment<matrix_a, M, N, K, __half, A> x; fragment<matrix_b, M, N, K, __half, B> y; fragment<accumulator, M, N, K, C> z; fragment<accumulator, M, N, K, D> w;
    load_matrix_sync(x, a, 32); load_matrix_sync(y, b, 32); load_matrix_sync(z, c, 32, order); mma_sync(w, x, y, z);
    for (int i = 0; i < w.num_elements; i++) w.x[i] = w.x[i] * (D)2.f;
    if (saturate) for (int i = 0; i < 1; i++) mma_sync(w, x, y, z);
    store_matrix_sync(d, w, 32, order);
}
#define TILE(NAME, M, N, A, B, C, D, ORDER) extern "C" __global__ void NAME(const __half* a, const __half* b, const C* c, D* d) { multiply<M, N, 16, A, B, C, D>(a, b, c, d, ORDER, false); }
TILE(square_rr, 16, 16, row_major, row_major, f32, f32, mem_row_major) TILE(square_rc, 16, 16, row_major, col_major, f32, f32, mem_col_major) TILE(square_cr, 16, 16, col_major, row_major, f32, __half, mem_row_major) TILE(square_cc, 16, 16, col_major, col_major, __half, f32, mem_col_major) TILE(square_half, 16, 16, row_major, col_major, __half, __half, mem_row_major)
TILE(tall_rr, 32, 8, row_major, row_major, f32, f32, mem_row_major) TILE(tall_cc, 32, 8, col_major, col_major, __half, __half, mem_col_major) TILE(tall_rc, 32, 8, row_major, col_major, __half, f32, mem_row_major) TILE(wide_cr, 8, 32, col_major, row_major, f32, f32, mem_col_major) TILE(wide_rc, 8, 32, row_major, col_major, __half, __half, mem_row_major) TILE(wide_cc, 8, 32, col_major, col_major, f32, __half, mem_row_major)
