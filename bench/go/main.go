// The swap as it is usually written in Go: image/png, At and Set, a picture at a time, warm.
//
// main -rounds R FILE... prints what each round cost as JSON, a line a round: CPU time (user and system) in ms a picture
// and the sizes of the results in bytes. With -out, the last result of the last round is written there.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"image"
	"image/color"
	"image/png"
	"log"
	"os"
	"syscall"
)

type round struct {
	CpuMs float64 `json:"cpuMs"`
	Sizes []int   `json:"sizes"`
}

func main() {
	rounds := flag.Int("rounds", 1, "how many times all files are swapped")
	out := flag.String("out", "", "where the last result goes")
	flag.Parse()
	files := make([][]byte, flag.NArg())
	for i, name := range flag.Args() {
		file, err := os.ReadFile(name)
		check(err)
		files[i] = file
	}
	var result []byte
	for r := 0; r < *rounds; r++ {
		sizes := make([]int, len(files))
		before := cpuMs()
		for i, file := range files {
			result = swap(file)
			sizes[i] = len(result)
		}
		took := (cpuMs() - before) / float64(len(files))
		check(json.NewEncoder(os.Stdout).Encode(round{took, sizes}))
	}
	if *out != "" {
		check(os.WriteFile(*out, result, 0o600))
	}
}

func swap(file []byte) []byte {
	from, err := png.Decode(bytes.NewReader(file))
	check(err)
	bounds := from.Bounds()
	to := image.NewRGBA(bounds)
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			r, g, b, a := from.At(x, y).RGBA()
			to.Set(x, y, color.RGBA{uint8(g >> 8), uint8(r >> 8), uint8(b >> 8), uint8(a >> 8)})
		}
	}
	var buffer bytes.Buffer
	check(png.Encode(&buffer, to))
	return buffer.Bytes()
}

func cpuMs() float64 {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e6
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
