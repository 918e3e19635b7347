#!/usr/bin/env bash
# A header table that got smaller and larger again between two requests, encoded by Python's hpack and decoded by Go's x/net:
# the second block is refused as a decoding error, which in HTTP/2 ends the connection with all its streams.
#
# RFC 7541, section 4.2, has an encoder say both sizes at the beginning of the next block: the smallest, then the last. Python's hpack
# does so. Go's decoder takes the first of the two, and refuses the second while its table still holds an entry, with the words that
# it must stand at the beginning of a block, where it does stand. With 0 as the smallest size the same program is read.
# Nobody looks there: each library reads its own blocks, Python's reads these as well, and few servers change
# SETTINGS_HEADER_TABLE_SIZE twice between two requests.
# What an encoder can do: say 0 in place of the smallest size, as libzeebe does.
#
# Seen: hpack 4.2.0 (Python 3.11.7), golang.org/x/net 0.60.0 (Go 1.26.8).
set -euo pipefail
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work"

python3 -m venv py
py/bin/pip install --quiet --disable-pip-version-check hpack==4.2.0

cat > encode.py <<'E'
from hpack import Decoder, Encoder

for smallest in (1024, 0):
    encoder, decoder = Encoder(), Decoder()
    blocks = [encoder.encode([("x-tenant", "blue")])]
    encoder.header_table_size = smallest
    encoder.header_table_size = 4096
    blocks.append(encoder.encode([("x-tenant", "blue")]))
    assert all(decoder.decode(block) == [("x-tenant", "blue")] for block in blocks), "its own decoder reads them"
    print(smallest, *(block.hex() for block in blocks))
E
py/bin/python encode.py > blocks

cat > main.go <<'E'
package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"os"
	"strings"

	"golang.org/x/net/http2/hpack"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		parts := strings.Fields(lines.Text())
		decoder := hpack.NewDecoder(4096, nil)
		for index, text := range parts[1:] {
			block, _ := hex.DecodeString(text)
			fields, err := decoder.DecodeFull(block)
			fmt.Printf("%s, block %d: %d fields, %v\n", parts[0], index+1, len(fields), err)
		}
	}
}
E
export GOMODCACHE="$work/modules"
go mod init meet 2> /dev/null
go get golang.org/x/net@v0.60.0 2> /dev/null
go run . < blocks | tee seen

diff seen - <<'E' && echo "as it was seen"
1024, block 1: 1 fields, <nil>
1024, block 2: 0 fields, decoding error: dynamic table size update MUST occur at the beginning of a header block
0, block 1: 1 fields, <nil>
0, block 2: 1 fields, <nil>
E
