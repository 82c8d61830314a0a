package check

// OneSlip reports whether a and b differ by no more than one letter, missing or
// wrong, or by two that changed places: whoever wrote one may have meant the other.
func OneSlip(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	start := 0
	for start < len(a) && a[start] == b[start] {
		start++
	}
	restA, restB := a[start:], b[start:]
	switch len(restB) - len(restA) {
	case 1:
		return restA == restB[1:]
	case 0:
		return restA == "" || restA[1:] == restB[1:] ||
			len(restA) > 1 && restA[0] == restB[1] && restA[1] == restB[0] && restA[2:] == restB[2:]
	}
	return false
}
