// Integer arithmetic and logic of 16, 32 and 64 bits, with operands of every kind.
#include "forms.h"

#define II(OP) BINARY(OP, s32, "r", s32, "r", s32, "r")
#define UU(OP) BINARY(OP, u32, "r", u32, "r", u32, "r")
#define LL(OP) BINARY(OP, s64, "l", s64, "l", s64, "l")
#define HH(OP) BINARY(OP, s16, "h", s16, "h", s16, "h")
#define III(OP) TERNARY(OP, s32, "r", s32, "r", s32, "r", s32, "r")
#define LLL(OP) TERNARY(OP, s64, "l", s64, "l", s64, "l", s64, "l")
#define HHH(OP) TERNARY(OP, s16, "h", s16, "h", s16, "h", s16, "h")

KERNEL(sums32, s32) { BEGIN II("add.s32") II("sub.s32") II("add.sat.s32") II("sub.sat.s32") II("mul.lo.s32") }
KERNEL(high32, s32) { BEGIN II("mul.hi.s32") UU("mul.hi.u32") II("mul24.lo.s32") II("mul24.hi.s32") UU("mul24.hi.u32") }
KERNEL(divide32, s32) { BEGIN II("div.s32") UU("div.u32") II("rem.s32") UU("rem.u32") }
KERNEL(extremes32, s32) { BEGIN II("min.s32") UU("min.u32") II("max.s32") UU("max.u32") }
KERNEL(bits32, s32) { BEGIN UU("and.b32") UU("or.b32") UU("xor.b32") UU("shl.b32") UU("shr.u32") II("shr.s32") }
KERNEL(single32, s32) {
    BEGIN UNARY("abs.s32", s32, "r", s32, "r") UNARY("neg.s32", s32, "r", s32, "r") UNARY("not.b32", u32, "r", u32, "r")
    UNARY("cnot.b32", u32, "r", u32, "r") UNARY("popc.b32", u32, "r", u32, "r") UNARY("clz.b32", u32, "r", u32, "r")
    UNARY("brev.b32", u32, "r", u32, "r") UNARY("bfind.u32", u32, "r", u32, "r") UNARY("bfind.s32", u32, "r", s32, "r")
    UNARY("bfind.shiftamt.u32", u32, "r", u32, "r") UNARY("bfind.shiftamt.s32", u32, "r", s32, "r")
}
KERNEL(single64, s64) {
    BEGIN UNARY("abs.s64", s64, "l", s64, "l") UNARY("neg.s64", s64, "l", s64, "l") UNARY("not.b64", u64, "l", u64, "l")
    UNARY("cnot.b64", u64, "l", u64, "l") UNARY("popc.b64", u32, "r", u64, "l") UNARY("clz.b64", u32, "r", u64, "l")
    UNARY("brev.b64", u64, "l", u64, "l") UNARY("bfind.u64", u32, "r", u64, "l") UNARY("bfind.s64", u32, "r", s64, "l")
    UNARY("bfind.shiftamt.s64", u32, "r", s64, "l")
}
KERNEL(mads32, s32) { BEGIN III("mad.lo.s32") III("mad.hi.s32") III("mad.hi.sat.s32") III("mad.hi.u32") III("mad24.lo.s32") III("mad24.hi.u32") }
KERNEL(sads32, s32) { BEGIN III("sad.s32") III("sad.u32") TERNARY("sad.s64", s64, "l", s64, "l", s64, "l", s64, "l") HHH("sad.s16") }
KERNEL(dots, s32) {
    BEGIN III("dp4a.s32.s32") III("dp4a.u32.u32") III("dp4a.s32.u32") III("dp4a.u32.s32")
    III("dp2a.lo.s32.s32") III("dp2a.hi.s32.s32") III("dp2a.lo.u32.u32") III("dp2a.hi.u32.s32") III("dp2a.lo.s32.u32")
}
KERNEL(fields32, s32) {
    BEGIN III("bfe.u32") III("bfe.s32") III("shf.l.wrap.b32") III("shf.r.wrap.b32") III("shf.l.clamp.b32") III("shf.r.clamp.b32")
    BINARY("szext.wrap.s32", s32, "r", s32, "r", u32, "r") BINARY("szext.clamp.u32", u32, "r", u32, "r", u32, "r")
    BINARY("bmsk.clamp.b32", u32, "r", u32, "r", u32, "r") BINARY("bmsk.wrap.b32", u32, "r", u32, "r", u32, "r")
}
KERNEL(permutes, s32) {
    BEGIN III("prmt.b32") III("prmt.b32.f4e") III("prmt.b32.b4e") III("prmt.b32.rc8") III("prmt.b32.ecl") III("prmt.b32.ecr") III("prmt.b32.rc16")
    BODY2("fns.b32 %0, %1, %2, 3;", u32, "r", u32, "r", u32, "r")
}
KERNEL(inserts, s32) {
    BEGIN BODY2("bfi.b32 %0, %1, %2, 3, 9;", u32, "r", u32, "r", u32, "r")
    BODY2("bfi.b32 %0, %1, 77, %2, 5;", u32, "r", u32, "r", u32, "r")
    TERNARY("bfi.b32 %0, %2, %1, %3, 11; //", u32, "r", u32, "r", u32, "r", u32, "r")
}
KERNEL(tables, s32) {
    BEGIN III("lop3.b32 %0, %1, %2, %3, 0x96; //") III("lop3.b32 %0, %1, %2, %3, 0xe8; //") III("lop3.b32 %0, %1, %2, %3, 0x01; //")
    III("lop3.b32 %0, %1, %2, %3, 0x7f; //") III("lop3.b32 %0, %1, %2, %3, 0x80; //")
    III("{.reg .pred q; lop3.or.b32 %0|q, %1, %2, %3, 0x1e, 0; @q add.s32 %0, %0, 1;} //")
    III("{.reg .pred q, r; setp.ne.s32 r, %1, 5; lop3.and.b32 %0|q, %1, %2, %3, 0x5a, r; @!q add.s32 %0, %0, 1;} //")
}
KERNEL(wides, s32) {
    BEGIN BINARY("mul.wide.s32", s64, "l", s32, "r", s32, "r") BINARY("mul.wide.u32", u64, "l", u32, "r", u32, "r")
    TERNARY("mad.wide.s32", s64, "l", s32, "r", s32, "r", s64, "l") TERNARY("mad.wide.u32", u64, "l", u32, "r", u32, "r", u64, "l")
    BINARY("mul.wide.s16", s32, "r", s16, "h", s16, "h") BINARY("mul.wide.u16", u32, "r", u16, "h", u16, "h")
}
KERNEL(sums64, s64) { BEGIN LL("add.s64") LL("sub.s64") LL("mul.lo.s64") LL("mul.hi.s64") LL("mul.hi.u64") LLL("mad.lo.s64") LLL("mad.hi.u64") }
KERNEL(divide64, s64) { BEGIN LL("div.s64") LL("rem.u64") }
KERNEL(bits64, s64) {
    BEGIN LL("and.b64") LL("or.b64") LL("xor.b64") LL("min.s64") LL("max.u64")
    BINARY("shl.b64", u64, "l", u64, "l", u32, "r") BINARY("shr.u64", u64, "l", u64, "l", u32, "r") BINARY("shr.s64", s64, "l", s64, "l", u32, "r")
}
KERNEL(shorts, s32) {
    BEGIN HH("add.s16") HH("sub.s16") HH("mul.lo.s16") HH("mul.hi.s16") HH("mul.hi.u16") HH("min.s16") HH("max.u16") HH("div.s16") HH("rem.u16")
    HH("and.b16") HH("xor.b16") HH("shl.b16 %0, %1, 3; //") HH("shr.s16 %0, %1, 3; //") HHH("mad.lo.s16") UNARY("abs.s16", s16, "h", s16, "h")
}
KERNEL(carries, s32) {
    BEGIN II("{add.cc.s32 %0, %1, %2; addc.s32 %0, %1, %2;} //") II("{sub.cc.s32 %0, %1, %2; subc.s32 %0, %2, %1;} //")
    II("{add.cc.u32 %0, %1, %2; addc.cc.u32 %0, %0, %2; addc.u32 %0, %0, 0;} //")
    II("{mad.lo.cc.s32 %0, %1, %2, %2; madc.hi.s32 %0, %1, %2, %1;} //") II("{mad.lo.cc.u32 %0, %1, %2, 9; madc.hi.cc.u32 %0, %1, %2, %0; addc.u32 %0, %0, %0;} //")
    II("{sub.cc.u32 %0, %1, %2; subc.cc.u32 %0, %0, 7; subc.u32 %0, 0, 0;} //") II("{mad.hi.cc.u32 %0, %1, %2, %2; madc.lo.u32 %0, %2, %2, %0;} //")
    LL("{add.cc.u64 %0, %1, %2; addc.u64 %0, %0, %1;} //") LL("{sub.cc.s64 %0, %1, %2; subc.s64 %0, %2, %0;} //")
}
// Sums of three, addresses scaled by powers of two, and multiplications that are shifts or moves.
extern "C" __global__ void idioms(s32* p, s32 u, s32 v, s64 w) {
    s32 a = p[threadIdx.x], b = p[threadIdx.x + blockDim.x], c = p[2 * threadIdx.x];
    s64 l = ((s64*)p)[threadIdx.x + u], m = ((s64*)p)[threadIdx.x * 3ll + v];
    p[1] = a + b + c; p[2] = a - b + c; p[3] = -a - b; p[4] = a + u - c; p[5] = a + b + 0x55; p[6] = a - b - 0x77;
    p[7] = (a << 5) + b; p[8] = (a << 3) - b; p[9] = a * 4 + u; p[10] = a * 9; p[11] = a * 0x5555 + b; p[12] = a * u + v; p[13] = (a << 7) + 0x1234;
    p[14] = a & ~b; p[15] = (a & b) | (~a & c); p[16] = a ^ b ^ c; p[17] = ~(a | b); p[18] = (a & 0xff00) | (b & 0xff); p[19] = (a ^ u) & 0xffff;
    p[20] = a > b ? c : u; p[21] = (a > 7 && b < u) ? a : b; p[22] = (a == b) != (c == 3); p[23] = (u16)a; p[24] = (signed char)b; p[25] = (s16)(a >> 3);
    p[26] = (a >> 4) & 0x1f; p[27] = (s32)((u32)a << 7) >> 12; p[28] = min(a, min(b, c)); p[29] = a / 7; p[30] = b % 10; p[31] = (u32)a / 1000u;
    s64* q = (s64*)(p + 64);
    q[0] = l + m + w; q[1] = l - m; q[2] = (l << 5) + m; q[3] = l * 24; q[4] = (s64)a + l; q[5] = (s64)a * b + l; q[6] = (u64)(u32)a * (u32)b + m; q[7] = l >> 7;
    q[8] = l < m ? l : w; q[9] = l == m; q[10] = (u64)l > (u64)w; q[11] = ~l & m; q[12] = l ^ 0x123456789abcdefll; q[13] = (s64)a << 40; q[14] = l * u; q[15] = l / 12345;
    p[a] = 1; q[b] = 2; ((char*)p)[c] = 3; ((int4*)p)[a] = make_int4(a, b, c, u); ((s16*)p)[(u32)b] = 5;
}
