//layers:package codec
//layers:want codec is pure: no map
//layers:want codec is pure: no map

package planted

type table map[string]int

func fresh() any { return make(map[int]int) }
