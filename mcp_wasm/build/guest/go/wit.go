// Package exportedwit is what a Go guest stands on: values are read and written by the canonical ABI,
// as reflection finds their types. A flat value is held as the bits of 64; a pointer is an option; a
// last result that is an error is the err of a result. It is a package of its own, so that a source may
// name its things as it likes.
package exportedwit

import (
	"fmt"
	"math"
	"reflect"
	"sort"
	"unicode/utf8"
	"unsafe"
)

// The cases of enums, in the order of WIT, by the type that has them as constants.
var enums = map[reflect.Type][]any{}

// What the host has to find until it has read a result.
var kept []any

var (
	byteType  = reflect.TypeFor[byte]()
	errorType = reflect.TypeFor[error]()
)

func block(size uint32) uint32 {
	if size == 0 {
		return 8
	}
	made := make([]uint64, (size+7)/8)
	kept = append(kept, made)
	return uint32(uintptr(unsafe.Pointer(&made[0])))
}

//go:wasmexport cabi_realloc
func grow(old, had, align, size uint32) uint32 {
	made := block(size)
	copy(bytesAt(made, size), bytesAt(old, had))
	return made
}

func pointer(at uint32) unsafe.Pointer { return unsafe.Pointer(uintptr(at)) }

func bytesAt(at, size uint32) []byte {
	if size == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(pointer(at)), size)
}

func up(at, align uint32) uint32 { return (at + align - 1) &^ (align - 1) }

func tag(cases int) uint32 {
	switch {
	case cases <= 0x100:
		return 1
	case cases <= 0x10000:
		return 2
	}
	return 4
}

// Size and alignment in memory.
func layout(t reflect.Type) (size, align uint32) {
	if cases, ok := enums[t]; ok {
		size := tag(len(cases))
		return size, size
	}
	switch t.Kind() {
	case reflect.Bool, reflect.Int8, reflect.Uint8:
		return 1, 1
	case reflect.Int16, reflect.Uint16:
		return 2, 2
	case reflect.Int32, reflect.Uint32, reflect.Float32:
		return 4, 4
	case reflect.Int, reflect.Uint, reflect.Int64, reflect.Uint64, reflect.Float64:
		return 8, 8
	case reflect.String, reflect.Slice, reflect.Map:
		return 8, 4
	case reflect.Pointer:
		inside, most := layout(t.Elem())
		return up(up(1, most)+inside, most), most
	case reflect.Struct:
		align = 1
		for n := range t.NumField() {
			inside, most := layout(t.Field(n).Type)
			size, align = up(size, most)+inside, max(align, most)
		}
		return up(size, align), align
	}
	panic("no layout for " + t.String())
}

// How many flat values.
func flatCount(t reflect.Type) int {
	if _, ok := enums[t]; ok {
		return 1
	}
	switch t.Kind() {
	case reflect.String, reflect.Slice, reflect.Map:
		return 2
	case reflect.Pointer:
		return 1 + flatCount(t.Elem())
	case reflect.Struct:
		count := 0
		for n := range t.NumField() {
			count += flatCount(t.Field(n).Type)
		}
		return count
	}
	return 1
}

// Sets what has one flat value, or one place in memory.
func set(to reflect.Value, bits uint64) {
	if cases, ok := enums[to.Type()]; ok {
		to.Set(reflect.ValueOf(cases[bits]))
		return
	}
	switch to.Kind() {
	case reflect.Bool:
		to.SetBool(bits != 0)
	case reflect.Int8:
		to.SetInt(int64(int8(bits)))
	case reflect.Int16:
		to.SetInt(int64(int16(bits)))
	case reflect.Int32:
		to.SetInt(int64(int32(bits)))
	case reflect.Int, reflect.Int64:
		to.SetInt(int64(bits))
	case reflect.Uint8:
		to.SetUint(uint64(uint8(bits)))
	case reflect.Uint16:
		to.SetUint(uint64(uint16(bits)))
	case reflect.Uint32:
		to.SetUint(uint64(uint32(bits)))
	case reflect.Uint, reflect.Uint64:
		to.SetUint(bits)
	case reflect.Float32:
		to.SetFloat(float64(math.Float32frombits(uint32(bits))))
	case reflect.Float64:
		to.SetFloat(math.Float64frombits(bits))
	default:
		panic("no value of " + to.Type().String())
	}
}

// Takes a value off the front of flat ones.
func lift(to reflect.Value, flat []uint64) []uint64 {
	if _, ok := enums[to.Type()]; !ok {
		switch to.Kind() {
		case reflect.String, reflect.Slice, reflect.Map:
			liftItems(to, uint32(flat[0]), uint32(flat[1]))
			return flat[2:]
		case reflect.Pointer:
			some, rest := flat[0], flat[1:]
			if some != 0 {
				to.Set(reflect.New(to.Type().Elem()))
				lift(to.Elem(), rest)
			}
			return rest[flatCount(to.Type().Elem()):]
		case reflect.Struct:
			for n := range to.NumField() {
				flat = lift(to.Field(n), flat)
			}
			return flat
		}
	}
	set(to, flat[0])
	return flat[1:]
}

func liftItems(to reflect.Value, at, count uint32) {
	t := to.Type()
	if to.Kind() == reflect.String {
		to.SetString(string(bytesAt(at, count)))
		return
	}
	if to.Kind() == reflect.Map {
		to.Set(reflect.MakeMap(t))
		_, first := layout(t.Key())
		inside, second := layout(t.Elem())
		size, _ := layout(t.Key())
		behind := up(size, second)
		step := up(behind+inside, max(first, second))
		for n := range count {
			key, value := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
			load(key, at+n*step)
			load(value, at+n*step+behind)
			to.SetMapIndex(key, value)
		}
		return
	}
	made := reflect.MakeSlice(t, int(count), int(count))
	if t.Elem() == byteType {
		reflect.Copy(made, reflect.ValueOf(bytesAt(at, count)))
	} else {
		step, _ := layout(t.Elem())
		for n := range count {
			load(made.Index(int(n)), at+n*step)
		}
	}
	to.Set(made)
}

// Reads a value from memory.
func load(to reflect.Value, at uint32) {
	if _, ok := enums[to.Type()]; !ok {
		switch to.Kind() {
		case reflect.String, reflect.Slice, reflect.Map:
			liftItems(to, *(*uint32)(pointer(at)), *(*uint32)(pointer(at + 4)))
			return
		case reflect.Pointer:
			_, align := layout(to.Type().Elem())
			if *(*byte)(pointer(at)) != 0 {
				to.Set(reflect.New(to.Type().Elem()))
				load(to.Elem(), at+up(1, align))
			}
			return
		case reflect.Struct:
			for n := range to.NumField() {
				size, align := layout(to.Field(n).Type())
				at = up(at, align)
				load(to.Field(n), at)
				at += size
			}
			return
		}
	}
	size, _ := layout(to.Type())
	switch size {
	case 1:
		set(to, uint64(*(*uint8)(pointer(at))))
	case 2:
		set(to, uint64(*(*uint16)(pointer(at))))
	case 4:
		set(to, uint64(*(*uint32)(pointer(at))))
	default:
		set(to, *(*uint64)(pointer(at)))
	}
}

// The bits of what has one flat value.
func lower(from reflect.Value) uint64 {
	if cases, ok := enums[from.Type()]; ok {
		for n, each := range cases {
			if from.Interface() == each {
				return uint64(n)
			}
		}
		panic(fmt.Sprintf("%v is none of the constants of %s", from, from.Type()))
	}
	switch from.Kind() {
	case reflect.Bool:
		if from.Bool() {
			return 1
		}
		return 0
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int, reflect.Int64:
		return uint64(from.Int())
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint, reflect.Uint64:
		return from.Uint()
	case reflect.Float32:
		return uint64(math.Float32bits(float32(from.Float())))
	case reflect.Float64:
		return math.Float64bits(from.Float())
	case reflect.Struct:
		return lower(from.Field(0))
	}
	panic("no value of " + from.Type().String())
}

// Writes a value to memory.
func store(from reflect.Value, at uint32) {
	t := from.Type()
	if _, ok := enums[t]; !ok {
		switch from.Kind() {
		case reflect.String:
			storeText(from.String(), at)
			return
		case reflect.Slice, reflect.Map:
			storeItems(from, at)
			return
		case reflect.Pointer:
			_, align := layout(t.Elem())
			*(*byte)(pointer(at)) = 0
			if !from.IsNil() {
				*(*byte)(pointer(at)) = 1
				store(from.Elem(), at+up(1, align))
			}
			return
		case reflect.Struct:
			for n := range from.NumField() {
				size, align := layout(t.Field(n).Type)
				at = up(at, align)
				store(from.Field(n), at)
				at += size
			}
			return
		}
	}
	size, _ := layout(t)
	bits := lower(from)
	switch size {
	case 1:
		*(*uint8)(pointer(at)) = uint8(bits)
	case 2:
		*(*uint16)(pointer(at)) = uint16(bits)
	case 4:
		*(*uint32)(pointer(at)) = uint32(bits)
	default:
		*(*uint64)(pointer(at)) = bits
	}
}

func storeText(text string, at uint32) {
	if !utf8.ValidString(text) {
		text = string([]rune(text))
	}
	to := block(uint32(len(text)))
	copy(bytesAt(to, uint32(len(text))), text)
	storePlace(to, len(text), at)
}

func storePlace(to uint32, count int, at uint32) {
	*(*uint32)(pointer(at)), *(*uint32)(pointer(at + 4)) = to, uint32(count)
}

func storeItems(from reflect.Value, at uint32) {
	count, t := from.Len(), from.Type()
	inside, align := layout(t.Elem())
	if from.Kind() == reflect.Slice {
		to := block(inside * uint32(count))
		if t.Elem() == byteType {
			copy(bytesAt(to, uint32(count)), from.Bytes())
		} else {
			for n := range count {
				store(from.Index(n), to+uint32(n)*inside)
			}
		}
		storePlace(to, count, at)
		return
	}
	size, first := layout(t.Key())
	behind := up(size, align)
	step := up(behind+inside, max(first, align))
	to := block(step * uint32(count))
	keys := from.MapKeys()
	if t.Key().Kind() == reflect.String {
		sort.Slice(keys, func(a, b int) bool { return keys[a].String() < keys[b].String() })
	}
	for n, key := range keys {
		store(key, to+uint32(n)*step)
		store(from.MapIndex(key), to+uint32(n)*step+behind)
	}
	storePlace(to, count, at)
}

// Call calls a function with flat values, or with those at an address; gives its one flat value, or the
// address of its result.
func Call(function any, flat []uint64, inMemory, byAddress bool) uint64 {
	called := reflect.ValueOf(function)
	t := called.Type()
	given := make([]reflect.Value, t.NumIn())
	var at uint32
	if inMemory {
		at = uint32(flat[0])
	}
	for n := range given {
		given[n] = reflect.New(t.In(n)).Elem()
		if inMemory {
			size, align := layout(t.In(n))
			at = up(at, align)
			load(given[n], at)
			at += size
		} else {
			flat = lift(given[n], flat)
		}
	}
	kept = nil
	results := called.Call(given)
	if len(results) > 0 && t.Out(len(results)-1) == errorType {
		return uint64(storeResult(results))
	}
	switch {
	case len(results) == 0:
		return 0
	case byAddress:
		size, _ := layout(t.Out(0))
		to := block(size)
		store(results[0], to)
		return uint64(to)
	}
	return lower(results[0])
}

// The result of a function that may give an error.
func storeResult(results []reflect.Value) uint32 {
	size, align := uint32(8), uint32(4)
	if len(results) == 2 {
		inside, most := layout(results[0].Type())
		size, align = max(size, inside), max(align, most)
	}
	to := block(align + size)
	if err, failed := results[len(results)-1].Interface().(error); failed && err != nil {
		*(*byte)(pointer(to)) = 1
		storeText(err.Error(), to+align)
	} else if len(results) == 2 {
		store(results[0], to+align)
	}
	return to
}

// Release forgets what the host has read.
func Release() { kept = nil }

// Enum makes the constants of a type the cases of an enum.
func Enum[T any](cases ...T) {
	for _, each := range cases {
		enums[reflect.TypeFor[T]()] = append(enums[reflect.TypeFor[T]()], each)
	}
}

// Bits32 and the others take floats for what they are made of.
func Bits32(value float32) uint64 { return uint64(math.Float32bits(value)) }
func Bits64(value float64) uint64 { return math.Float64bits(value) }
func Float32(bits uint64) float32 { return math.Float32frombits(uint32(bits)) }
func Float64(bits uint64) float64 { return math.Float64frombits(bits) }
