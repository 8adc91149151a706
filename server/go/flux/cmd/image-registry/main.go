// Command image-registry tells which images their registries have, as a kubelet would find out when it pulls them.
//
// It reads one image a line from its standard input and, when that ends, asks the registries, without credentials. For
// each image it prints one line of JSON, in the order in which the answers come. It ends by itself within its bounds.
package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/Masterminds/semver/v3"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

const (
	// maxImages is how many images are asked about at once.
	maxImages = 256
	// maxLine is how long the name of an image can be, in bytes.
	maxLine = 4096
	// maxTags is how many tags of one repository are told.
	maxTags = 1000
	// atOnce is how many requests are under way at the same time.
	atOnce = 4
	// limit is how long everything may take.
	limit = 20 * time.Second
	// perImage is how long the answer about one image may take.
	perImage = 8 * time.Second
)

// state is what a registry says of an image.
type state string

const (
	// there: the registry has it.
	there state = "there"
	// missing: the registry says that it does not have it.
	missing state = "missing"
	// unknown: the registry cannot be reached, or does not tell without credentials.
	unknown state = "unknown"
)

// answer is one line of what is printed.
type answer struct {
	Image string `json:"image"`
	State state  `json:"state"`
	// Tags are those that the repository of a missing image has; none where it does not have the repository either.
	Tags []string `json:"tags,omitempty"`
	// Why says what is not known.
	Why string `json:"why,omitempty"`
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("image-registry: ")
	if err := run(os.Stdin, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(in io.Reader, out io.Writer) error {
	images, err := read(in)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	var printing sync.Mutex
	encoder := json.NewEncoder(out)
	places := make(chan struct{}, atOnce)
	var asking sync.WaitGroup
	for _, image := range images {
		asking.Add(1)
		places <- struct{}{}
		go func() {
			defer func() { <-places; asking.Done() }()
			said := ask(ctx, image)
			printing.Lock()
			defer printing.Unlock()
			// Nobody reads any more: there is nobody to tell that to.
			_ = encoder.Encode(said)
		}()
	}
	asking.Wait()
	return nil
}

func read(in io.Reader) ([]string, error) {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, maxLine), maxLine)
	var images []string
	for len(images) < maxImages && lines.Scan() {
		if text := lines.Text(); text != "" {
			images = append(images, text)
		}
	}
	return images, lines.Err()
}

func ask(ctx context.Context, image string) answer {
	ctx, cancel := context.WithTimeout(ctx, perImage)
	defer cancel()
	reference, err := name.ParseReference(image)
	if err != nil {
		return answer{Image: image, State: unknown, Why: err.Error()}
	}
	options := []remote.Option{remote.WithContext(ctx)}
	if _, err := remote.Head(reference, options...); err == nil {
		return answer{Image: image, State: there}
	} else if !isNotFound(err) {
		return answer{Image: image, State: unknown, Why: err.Error()}
	}
	tags, err := tags(ctx, reference.Context(), options)
	if err != nil && !isNotFound(err) {
		// That it does not have the image is said all the same.
		return answer{Image: image, State: missing, Why: err.Error()}
	}
	return answer{Image: image, State: missing, Tags: newestFirst(tags)}
}

// tags are those of a repository, the first ones where there are too many.
func tags(ctx context.Context, repository name.Repository, options []remote.Option) ([]string, error) {
	puller, err := remote.NewPuller(options...)
	if err != nil {
		return nil, err
	}
	lister, err := puller.Lister(ctx, repository)
	if err != nil {
		return nil, err
	}
	var found []string
	for lister.HasNext() && len(found) < maxTags {
		page, err := lister.Next(ctx)
		if err != nil {
			return found, err
		}
		found = append(found, page.Tags...)
	}
	return found[:min(len(found), maxTags)], nil
}

// newestFirst sorts tags: versions before those that are none, releases before what comes before one. Signatures and the
// like, which are kept under tags of their own (sha256-….sig), are left out.
func newestFirst(tags []string) []string {
	type tag struct {
		text    string
		version *semver.Version
	}
	var all []tag
	for _, text := range tags {
		if strings.HasPrefix(text, "sha256-") {
			continue
		}
		version, err := semver.NewVersion(text)
		if err != nil {
			version = nil
		}
		all = append(all, tag{text, version})
	}
	rank := func(tag tag) int {
		switch {
		case tag.version == nil:
			return 2
		case tag.version.Prerelease() != "":
			return 1
		default:
			return 0
		}
	}
	slices.SortStableFunc(all, func(a, b tag) int {
		if order := cmp.Compare(rank(a), rank(b)); order != 0 || a.version == nil {
			return order
		}
		return b.version.Compare(a.version)
	})
	sorted := make([]string, len(all))
	for index, tag := range all {
		sorted[index] = tag.text
	}
	return sorted
}

func isNotFound(err error) bool {
	var refused *transport.Error
	return errors.As(err, &refused) && refused.StatusCode == http.StatusNotFound
}
