// Package mutate tests the verdict: it changes one line of the generated
// Verilog at a time and demands that the simulation notices.
//
// A mutant is one changed line of one module of one of the small designs of this
// package. Operators (see Class) say what a change can be; Queue draws mutants
// from a seed such that every module gets its share; a Campaign builds each and
// simulates it in the fixed series of Trials until one of them fails. Then it
// is caught, provided that the report names a place. A mutant that passes every
// trial survives: either nothing could show the change, for which
// Explain knows reasons, or the bench has a gap.
//
// For example, of the line
//
//	if (acc_we_i && ready_i) begin
//
// the class Handshake makes
//
//	if (acc_we_i && 1'b1) begin
//
// Comments, declarations without a value and lines that swallow unused bits are
// never changed.
package mutate
