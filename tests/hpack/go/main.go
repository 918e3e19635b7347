// hpack of golang.org/x/net: encodes fields.txt to go.txt; with `decode FILE` checks that FILE says the same.
package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"

	"golang.org/x/net/http2/hpack"
)

func lines(name string, each func(string)) {
	file, err := os.Open(name)
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		each(scanner.Text())
	}
}

func main() {
	var encoded bytes.Buffer
	encoder := hpack.NewEncoder(&encoded)
	decoder := hpack.NewDecoder(4096, nil)
	var blocks []string
	decodes := len(os.Args) > 2 && os.Args[1] == "decode"
	if decodes {
		lines(os.Args[2], func(line string) { blocks = append(blocks, line) })
	} else {
		out, err := os.Create("go.txt")
		if err != nil {
			log.Fatal(err)
		}
		defer out.Close()
		defer func() { fmt.Fprint(out, strings.Join(blocks, "\n")+"\n") }()
	}
	number := 0
	var fields []hpack.HeaderField
	lines("fields.txt", func(line string) {
		switch {
		case strings.HasPrefix(line, "!"):
			size, err := strconv.Atoi(line[1:])
			if err != nil {
				log.Fatal(err)
			}
			encoder.SetMaxDynamicTableSize(uint32(size))
		case line != ".":
			name, value, _ := strings.Cut(line, "\t")
			fields = append(fields, hpack.HeaderField{Name: name, Value: value, Sensitive: name == "cookie"})
		case decodes:
			block, err := hex.DecodeString(blocks[number])
			if err != nil {
				log.Fatal(err)
			}
			found, err := decoder.DecodeFull(block)
			if err != nil || len(found) != len(fields) {
				log.Fatal(number, err)
			}
			for at, field := range found {
				if field.Name != fields[at].Name || field.Value != fields[at].Value {
					log.Fatal(number, field)
				}
			}
			fields = nil
			number++
		default:
			encoded.Reset()
			for _, field := range fields {
				if err := encoder.WriteField(field); err != nil {
					log.Fatal(err)
				}
			}
			blocks = append(blocks, hex.EncodeToString(encoded.Bytes()))
			fields = nil
		}
	})
}
