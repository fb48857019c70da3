// Package fuzz tests the generator with random configurations. A seed draws a
// value for every option of a table; the design is generated, linted and simulated
// under stalls, and every bit is compared with the fixed-point model. A design that
// fails is made smaller while it still fails.
//
// A new option of configurations is one line of the table Options.
package fuzz
