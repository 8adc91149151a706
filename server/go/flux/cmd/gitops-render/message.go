package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
)

const (
	// The largest request, in bytes: all files of a large repository at once.
	largestRequest = 512 << 20
	// The largest answer, in bytes.
	largestAnswer = 128 << 20
)

func read(in io.Reader) ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(in, length[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(length[:])
	if size > largestRequest {
		return nil, fmt.Errorf("a message of %d bytes is too large", size)
	}
	message := make([]byte, size)
	_, err := io.ReadFull(in, message)
	return message, err
}

// writer writes whole messages, whoever sends them.
type writer struct {
	lock sync.Mutex
	to   io.Writer
}

func (w *writer) send(message answer) {
	content, err := json.Marshal(message)
	if err == nil && len(content) > largestAnswer {
		err = fmt.Errorf("the answer has %d bytes, of which %d may be sent", len(content), largestAnswer)
	}
	if err != nil {
		content, _ = json.Marshal(answer{ID: message.ID, Error: err.Error()})
	}
	framed := binary.BigEndian.AppendUint32(make([]byte, 0, len(content)+4), uint32(len(content)))
	framed = append(framed, content...)
	w.lock.Lock()
	defer w.lock.Unlock()
	if _, err := w.to.Write(framed); err != nil {
		// Nobody reads any more.
		os.Exit(0)
	}
}
