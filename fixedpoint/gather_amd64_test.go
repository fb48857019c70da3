package fixedpoint

func detected() extension { return detectSIMD() }
