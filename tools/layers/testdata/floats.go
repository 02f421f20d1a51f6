//layers:package engine/member
//layers:want engine/member is pure: no float64
//layers:want engine/member is pure: no floating point (0.5)
//layers:want engine/member is pure: no floating point (1e9)

package planted

func half(x float64) { _ = x * 0.5 }

const second = 1e9
