// Package ep holds convergent networks trained by equilibrium propagation:
// their description, their parameters and data, and two models of a training
// step that share one description of the dynamics, [Fixed] on fixed-point codes
// and [Float] on float64.
//
// # Conventions
//
// Layers are numbered n = 1..N as in the literature and stand at index n-1; s^0
// = x is the input. Maps are [C, H, W], batches [B, C, H, W], weights [Cout,
// Cin, KH, KW]. P is the pool, U the unpool, I its argmax index, * the
// cross-correlation. One synchronous step is
//
//	u^n       = P_n(W_n * s^{n-1} + b_n) + W_{n+1}^T U_{n+1}(s^{n+1}; I_{n+1}) - [n=N] beta (s^N - y)
//	s^n_{t+1} = clamp(u^n, 0, 1) or clamp(u^n/2, 0, 1)
//
// and a training step is a free phase (beta = 0) from the zero state to s*, a
// phase with +beta and one with -beta from s*, to s+ and s-, and the update
//
//	W += lr/(2 beta B) sum U(s+) s+_below - U(s-) s-_below
//
// # Worked example
//
// One neuron of slope 1/2 with x = 0.5, w = 1, b = 0.25, target 1, beta = 1
// and rate 1, one step per phase:
//
//	free    u = 0.75                 s* = 0.375
//	plus    u = 0.75 - (0.375 - 1)   s+ = 0.6875
//	minus   u = 0.75 + (0.375 - 1)   s- = 0.0625
//	update  dw = (s+ - s-) x / 2 = 0.15625, db = (s+ - s-) / 2 = 0.3125
//
// The test TestHandComputed computes these numbers.
//
// # Sources
//
// Scellier and Bengio 2017, https://doi.org/10.3389/fncom.2017.00024; Ernoult et
// al. 2019, https://arxiv.org/abs/1905.13633; Laborieux et al. 2021,
// https://doi.org/10.3389/fnins.2021.633674.
package ep
