// What the sources share: an operation applied to operands of every kind that an instruction takes.
//
// Registers come from memory, constants from kernel parameters, immediates from literals. Every result is stored, so
// that nothing is removed. Operations are lambdas around inline PTX.
#pragma once

#define DEVICE __device__ __forceinline__

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef short s16;
typedef int s32;
typedef long long s64;
typedef float f32;
typedef double f64;

struct Cursor {
    char* at;

    template <class T>
    DEVICE void put(T value) {
        *reinterpret_cast<volatile T*>(at) = value;
        at += 8;
    }
    template <class T>
    DEVICE T get() {
        T value = *reinterpret_cast<volatile T*>(at);
        at += 8;
        return value;
    }
};

template <class T>
DEVICE T positive(T a) { return a < 0 ? -a : a; }
template <>
DEVICE f32 positive(f32 a) { return fabsf(a); }
template <>
DEVICE f64 positive(f64 a) { return fabs(a); }

template <class A, class F>
DEVICE void unary(Cursor& c, A u, F f) {
    const A a = c.get<A>();
    c.put(f(a));
    c.put(f(u));
    c.put(f(A(-a)));
    c.put(f(A(-u)));
    c.put(f(positive(a)));
    c.put(f(A(-positive(a))));
    c.put(f(positive(u)));
    c.put(f(A(3)));
}

template <class A, class B, class F>
DEVICE void binary(Cursor& c, A u, B v, F f) {
    const A a = c.get<A>();
    const B b = c.get<B>();
    c.put(f(a, b));
    c.put(f(a, v));
    c.put(f(u, b));
    c.put(f(a, B(5)));
    c.put(f(A(0), b));
    c.put(f(a, B(-1)));
    c.put(f(a, B(-a)));
    c.put(f(A(-a), b));
    c.put(f(A(-a), v));
    c.put(f(a, B(-v)));
    c.put(f(positive(a), b));
    c.put(f(a, positive(b)));
    c.put(f(a, B(-positive(b))));
    c.put(f(a, positive(v)));
    c.put(f(A(0x12345678), b));
}

template <class A, class B, class C, class F>
DEVICE void ternary(Cursor& k, A u, B v, C w, F f) {
    const A a = k.get<A>();
    const B b = k.get<B>();
    const C c = k.get<C>();
    k.put(f(a, b, c));
    k.put(f(u, b, c));
    k.put(f(a, v, c));
    k.put(f(a, b, w));
    k.put(f(A(9), b, c));
    k.put(f(a, B(7), c));
    k.put(f(a, b, C(4)));
    k.put(f(a, B(-3), C(0)));
    k.put(f(a, b, C(-1)));
    k.put(f(A(-a), b, c));
    k.put(f(a, B(-b), c));
    k.put(f(a, b, C(-c)));
    k.put(f(A(-a), v, C(-c)));
    k.put(f(a, b, C(-w)));
    k.put(f(positive(a), b, c));
    k.put(f(a, positive(b), c));
    k.put(f(a, b, positive(c)));
    k.put(f(a, B(0x10001), c));
    k.put(f(a, b, C(0x7654321)));
}

// D, A, B, C are pairs of a type's name and its constraint letter.
#define UNARY(OP, D, DL, A, AL) \
    unary(c, A(u), [](A a) { D d; asm volatile(OP " %0, %1;" : "=" DL(d) : AL(a)); return d; });
#define BINARY(OP, D, DL, A, AL, B, BL)                                                        \
    binary(c, A(u), B(v), [](A a, B b) {                                                       \
        D d;                                                                                   \
        asm volatile(OP " %0, %1, %2;" : "=" DL(d) : AL(a), BL(b));                            \
        return d;                                                                              \
    });
#define TERNARY(OP, D, DL, A, AL, B, BL, C, CL)                                                \
    ternary(c, A(u), B(v), C(w), [](A x, B y, C z) {                                           \
        D d;                                                                                   \
        asm volatile(OP " %0, %1, %2, %3;" : "=" DL(d) : AL(x), BL(y), CL(z));                 \
        return d;                                                                              \
    });
// BODY is PTX that computes %0 from %1 and %2, with predicates q, r, s and registers t0-t3 of its own.
#define BODY2(BODY, D, DL, A, AL, B, BL)                                                       \
    binary(c, A(u), B(v), [](A a, B b) {                                                       \
        D d;                                                                                   \
        asm volatile("{.reg .pred q, r, s; .reg .b32 t0, t1, t2, t3; " BODY "}"                \
                     : "=" DL(d) : AL(a), BL(b));                                              \
        return d;                                                                              \
    });
#define KERNEL(NAME, T) extern "C" __global__ void NAME(char* memory, T u, T v, T w)
#define BEGIN Cursor c{memory + threadIdx.x * 8};
