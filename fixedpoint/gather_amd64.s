#include "textflag.h"

// Each gather adds to 8, 16 or 32 sums in registers, in order of j,
//
//	acc[r] += w[index[j]*stride/8 + r] * value[j]
//
// Products and sums are rounded separately, not fused, so that real numbers
// come out as in portable code. Y8 or Z8 holds value[j]; products go through
// four registers in turn.

#define ARGUMENTS \
	MOVQ acc+0(FP), DI    \
	MOVQ w+8(FP), SI      \
	MOVQ index+16(FP), R8 \
	MOVQ value+24(FP), R9 \
	MOVQ n+32(FP), CX     \
	MOVQ stride+40(FP), R10

// ROW sets AX to the address of row j and advances to the next.
#define ROW \
	MOVLQSX (R8), AX \
	IMULQ   R10, AX  \
	ADDQ    SI, AX   \
	ADDQ    $4, R8

#define NEXT(loop) \
	ADDQ $8, R9 \
	DECQ CX     \
	JNZ  loop

#define FOUR(o, a, b, c, d) \
	VMULPD (o+0)(AX), Y8, Y9   \
	VMULPD (o+32)(AX), Y8, Y10 \
	VMULPD (o+64)(AX), Y8, Y11 \
	VMULPD (o+96)(AX), Y8, Y12 \
	VADDPD Y9, a, a            \
	VADDPD Y10, b, b           \
	VADDPD Y11, c, c           \
	VADDPD Y12, d, d

// func gather8AVX2(acc, w *float64, index *int32, value *float64, n, stride int)
TEXT ·gather8AVX2(SB), NOSPLIT, $0-48
	ARGUMENTS
	VMOVUPD 0(DI), Y0
	VMOVUPD 32(DI), Y1

loop8:
	ROW
	VBROADCASTSD (R9), Y8
	VMULPD       0(AX), Y8, Y9
	VMULPD       32(AX), Y8, Y10
	VADDPD       Y9, Y0, Y0
	VADDPD       Y10, Y1, Y1
	NEXT(loop8)
	VMOVUPD      Y0, 0(DI)
	VMOVUPD      Y1, 32(DI)
	VZEROUPPER
	RET

// func gather16AVX2(acc, w *float64, index *int32, value *float64, n, stride int)
TEXT ·gather16AVX2(SB), NOSPLIT, $0-48
	ARGUMENTS
	VMOVUPD 0(DI), Y0
	VMOVUPD 32(DI), Y1
	VMOVUPD 64(DI), Y2
	VMOVUPD 96(DI), Y3

loop16:
	ROW
	VBROADCASTSD (R9), Y8
	FOUR(0, Y0, Y1, Y2, Y3)
	NEXT(loop16)
	VMOVUPD      Y0, 0(DI)
	VMOVUPD      Y1, 32(DI)
	VMOVUPD      Y2, 64(DI)
	VMOVUPD      Y3, 96(DI)
	VZEROUPPER
	RET

// func gather32AVX2(acc, w *float64, index *int32, value *float64, n, stride int)
TEXT ·gather32AVX2(SB), NOSPLIT, $0-48
	ARGUMENTS
	VMOVUPD 0(DI), Y0
	VMOVUPD 32(DI), Y1
	VMOVUPD 64(DI), Y2
	VMOVUPD 96(DI), Y3
	VMOVUPD 128(DI), Y4
	VMOVUPD 160(DI), Y5
	VMOVUPD 192(DI), Y6
	VMOVUPD 224(DI), Y7

loop32:
	ROW
	VBROADCASTSD (R9), Y8
	FOUR(0, Y0, Y1, Y2, Y3)
	FOUR(128, Y4, Y5, Y6, Y7)
	NEXT(loop32)
	VMOVUPD      Y0, 0(DI)
	VMOVUPD      Y1, 32(DI)
	VMOVUPD      Y2, 64(DI)
	VMOVUPD      Y3, 96(DI)
	VMOVUPD      Y4, 128(DI)
	VMOVUPD      Y5, 160(DI)
	VMOVUPD      Y6, 192(DI)
	VMOVUPD      Y7, 224(DI)
	VZEROUPPER
	RET

// func gather32AVX512(acc, w *float64, index *int32, value *float64, n, stride int)
TEXT ·gather32AVX512(SB), NOSPLIT, $0-48
	ARGUMENTS
	VMOVUPD 0(DI), Z0
	VMOVUPD 64(DI), Z1
	VMOVUPD 128(DI), Z2
	VMOVUPD 192(DI), Z3

loop512:
	ROW
	VBROADCASTSD (R9), Z8
	VMULPD       0(AX), Z8, Z9
	VMULPD       64(AX), Z8, Z10
	VMULPD       128(AX), Z8, Z11
	VMULPD       192(AX), Z8, Z12
	VADDPD       Z9, Z0, Z0
	VADDPD       Z10, Z1, Z1
	VADDPD       Z11, Z2, Z2
	VADDPD       Z12, Z3, Z3
	NEXT(loop512)
	VMOVUPD      Z0, 0(DI)
	VMOVUPD      Z1, 64(DI)
	VMOVUPD      Z2, 128(DI)
	VMOVUPD      Z3, 192(DI)
	VZEROUPPER
	RET

// func peakAVX2(n int)
//
// The instructions of gather32AVX2 between registers: n times 32 products.
TEXT ·peakAVX2(SB), NOSPLIT, $0-8
	MOVQ   n+0(FP), CX
	VXORPD Y8, Y8, Y8
	VXORPD Y0, Y0, Y0
	VXORPD Y1, Y1, Y1
	VXORPD Y2, Y2, Y2
	VXORPD Y3, Y3, Y3
	VXORPD Y4, Y4, Y4
	VXORPD Y5, Y5, Y5
	VXORPD Y6, Y6, Y6
	VXORPD Y7, Y7, Y7

peak:
	VMULPD Y8, Y8, Y9
	VMULPD Y8, Y8, Y10
	VMULPD Y8, Y8, Y11
	VMULPD Y8, Y8, Y12
	VADDPD Y9, Y0, Y0
	VADDPD Y10, Y1, Y1
	VADDPD Y11, Y2, Y2
	VADDPD Y12, Y3, Y3
	VMULPD Y8, Y8, Y9
	VMULPD Y8, Y8, Y10
	VMULPD Y8, Y8, Y11
	VMULPD Y8, Y8, Y12
	VADDPD Y9, Y4, Y4
	VADDPD Y10, Y5, Y5
	VADDPD Y11, Y6, Y6
	VADDPD Y12, Y7, Y7
	DECQ   CX
	JNZ    peak
	VZEROUPPER
	RET
