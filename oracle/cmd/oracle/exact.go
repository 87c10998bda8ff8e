package main

import (
	"encoding/base64"
	"math"
	"strconv"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
)

// exact gives a value as protobuf's JSON of cel.expr.Value, from which its type can be told; optionals and opaque values, which
// that does not have, as redoubt writes them.
func exact(value ref.Val) any {
	switch v := value.(type) {
	case types.Null:
		return one("nullValue", nil)
	case types.Bool:
		return one("boolValue", bool(v))
	case types.Int:
		return one("int64Value", strconv.FormatInt(int64(v), 10))
	case types.Uint:
		return one("uint64Value", strconv.FormatUint(uint64(v), 10))
	case types.Double:
		return one("doubleValue", exactDouble(float64(v)))
	case types.String:
		return one("stringValue", string(v))
	case types.Bytes:
		return one("bytesValue", base64.StdEncoding.EncodeToString(v))
	case *types.Type:
		return one("typeValue", v.TypeName())
	case types.Timestamp, types.Duration:
		return one("objectValue", map[string]any{
			"@type": "type.googleapis.com/" + value.Type().TypeName(), "value": value.ConvertToType(types.StringType).Value()})
	case *types.Optional:
		if !v.HasValue() {
			return one("optionalValue", nil)
		}
		return one("optionalValue", exact(v.GetValue()))
	case traits.Mapper:
		entries := []any{}
		for i := v.Iterator(); i.HasNext() == types.True; {
			key := i.Next()
			entries = append(entries, map[string]any{"key": exact(key), "value": exact(v.Get(key))})
		}
		return one("mapValue", map[string]any{"entries": entries})
	case traits.Lister:
		items := []any{}
		for i := v.Iterator(); i.HasNext() == types.True; {
			items = append(items, exact(i.Next()))
		}
		return one("listValue", map[string]any{"values": items})
	}
	return one("objectValue", map[string]any{"@type": value.Type().TypeName()})
}

func exactDouble(f float64) any {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return f
}

func one(member string, value any) any {
	return map[string]any{member: value}
}
