package fuzz

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"epgen/ep"
)

// Shrink returns a smaller design for which fails still holds: it goes on as long as
// one of the simpler designs of Simpler does.
func Shrink(s Settings, fails func(Settings) bool) Settings {
	for {
		next := slices.IndexFunc(Simpler(s), fails)
		if next < 0 {
			return s
		}
		s = Simpler(s)[next]
	}
}

// Simpler lists the valid designs that differ from s in one thing which is
// simpler: the boldest first.
func Simpler(s Settings) []Settings {
	var list []Settings
	add := func(key, value string) {
		t := maps.Clone(s)
		if value == "" {
			delete(t, key)
		} else {
			t[key] = value
		}
		if !maps.Equal(s, t) && t.sound() {
			list = append(list, t)
		}
	}
	if text, ok := s["network.layers"]; ok {
		for _, simpler := range simplerLayers(text) {
			add("network.layers", simpler)
		}
	}
	if text, ok := s[headsKey]; ok {
		for _, simpler := range simplerHeads(text) {
			add(headsKey, simpler)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(s)) {
		if key != "network.layers" {
			add(key, "")
		}
	}
	if text, ok := s["network.input"]; ok {
		for _, simpler := range simplerInput(text) {
			add("network.input", simpler)
		}
	}
	return list
}

// suffixes of tokens that can go.
var suffixes = regexp.MustCompile(`k[0-9]+|p[0-9]+|s[0-9]+|b0`)

// channels of a token.
var channels = regexp.MustCompile(`[0-9]+`)

// simplerLayers lists networks with a token less, then with a simpler one.
func simplerLayers(text string) []string {
	tokens := strings.Split(text, ",")
	var list []string
	join := func(t []string) { list = append(list, strings.Join(t, ",")) }
	for i := range tokens {
		if len(tokens) > 1 {
			join(slices.Delete(slices.Clone(tokens), i, i+1))
		}
	}
	replace := func(i int, token string) {
		t := slices.Clone(tokens)
		t[i] = token
		join(t)
	}
	for i, token := range tokens {
		if token == "A" {
			replace(i, "M")
		}
		for _, at := range suffixes.FindAllStringIndex(token, -1) {
			replace(i, token[:at[0]]+token[at[1]:])
		}
		if at := channels.FindStringIndex(token); at != nil {
			if n, err := strconv.Atoi(token[at[0]:at[1]]); err == nil && n > 1 {
				replace(i, token[:at[0]]+strconv.Itoa(n/2)+token[at[1]:])
				replace(i, token[:at[0]]+strconv.Itoa(n-1)+token[at[1]:])
			}
		}
	}
	return list
}

// simplerInput lists shapes with one extent halved, or less by one.
func simplerInput(text string) []string {
	in, err := ep.ParseShape(text)
	if err != nil {
		return nil
	}
	var list []string
	for _, smaller := range []func(int) int{func(n int) int { return n / 2 }, func(n int) int { return n - 1 }} {
		for _, extent := range []func(*ep.Shape) *int{
			func(s *ep.Shape) *int { return &s.H }, func(s *ep.Shape) *int { return &s.W }, func(s *ep.Shape) *int { return &s.C },
		} {
			t := in
			if e := extent(&t); smaller(*e) >= 1 {
				*e = smaller(*e)
				list = append(list, t.String())
			}
		}
	}
	return list
}
