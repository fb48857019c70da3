//go:build !amd64

package fixedpoint

func detected() extension { return portable }
