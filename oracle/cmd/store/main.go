// etcd's database by the real libraries, for tests:
//
//	store make FILE PAGE_SIZE KEYS REVISIONS VALUE_SIZE   writes a database as etcd would
//	store write FILE                                      goes on changing it until standard input ends
//	store count FILE                                      checks it, and counts what its values begin with, as JSON
package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"
	"go.etcd.io/etcd/api/v3/mvccpb"
)

var prefixes = []string{"k8s:enc:aescbc:v1:key1:", "k8s:enc:aescbc:v1:key2:", "k8s:enc:secretbox:v1:k:", "k8s\x00\n\x0c\n\x02v1\x12\x06Secret\x12"}

func revision(main, sub uint64, tombstone bool) []byte {
	key := make([]byte, 17, 18)
	binary.BigEndian.PutUint64(key, main)
	key[8] = '_'
	binary.BigEndian.PutUint64(key[9:], sub)
	if tombstone {
		key = append(key, 't')
	}
	return key
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "store:", err)
		os.Exit(1)
	}
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	check(err)
	return n
}

func keyName(i int) []byte { return []byte(fmt.Sprintf("/registry/secrets/ns%d/name-%d", i%7, i)) }

func put(bucket *bolt.Bucket, rev uint64, key, value []byte, version int64) {
	kv := mvccpb.KeyValue{Key: key, Value: value, ModRevision: int64(rev), CreateRevision: int64(rev), Version: version}
	bytes, err := kv.Marshal()
	check(err)
	check(bucket.Put(revision(rev, 0, false), bytes))
}

// Every eleventh key ends as a tombstone. What a revision is written with goes round.
func fill(db *bolt.DB, keys, revisions, size int) {
	rev := uint64(1)
	value := bytes.Repeat([]byte{0xa5}, size)
	for r := 0; r < revisions; r++ {
		for start := 0; start < keys; start += 1000 {
			check(db.Update(func(tx *bolt.Tx) error {
				for _, name := range []string{"alarm", "auth", "authRoles", "authUsers", "cluster", "lease", "members", "members_removed", "meta"} {
					_, err := tx.CreateBucketIfNotExists([]byte(name))
					check(err)
				}
				bucket, err := tx.CreateBucketIfNotExists([]byte("key"))
				check(err)
				bucket.FillPercent = 0.9
				for i := start; i < keys && i < start+1000; i++ {
					rev++
					if r == revisions-1 && r > 0 && i%11 == 0 {
						kv := mvccpb.KeyValue{Key: keyName(i)}
						bytes, err := kv.Marshal()
						check(err)
						check(bucket.Put(revision(rev, 0, true), bytes))
						continue
					}
					put(bucket, rev, keyName(i), append([]byte(prefixes[(i+r)%len(prefixes)]), value...), int64(r+1))
				}
				return nil
			}))
		}
	}
}

// Puts and compacts for ever, with many small transactions, so that pages are used again soon.
func write(db *bolt.DB) {
	done := make(chan bool)
	go func() { io.Copy(io.Discard, os.Stdin); close(done) }()
	var rev, oldest uint64
	check(db.View(func(tx *bolt.Tx) error {
		last, _ := tx.Bucket([]byte("key")).Cursor().Last()
		first, _ := tx.Bucket([]byte("key")).Cursor().First()
		rev, oldest = binary.BigEndian.Uint64(last), binary.BigEndian.Uint64(first)
		return nil
	}))
	for n := 0; ; n++ {
		select {
		case <-done:
			return
		default:
		}
		check(db.Update(func(tx *bolt.Tx) error {
			bucket := tx.Bucket([]byte("key"))
			for i := 0; i < 20; i++ {
				rev++
				put(bucket, rev, []byte(fmt.Sprintf("/registry/configmaps/busy/c%d", i)), bytes.Repeat([]byte("x"), 300), int64(n+1))
				// What was written long before is compacted away.
				if old := rev - 400; n > 20 {
					check(bucket.Delete(revision(old, 0, false)))
				}
			}
			// Pages all over the tree move: what is written is what was there.
			for i := 0; i < 50; i++ {
				k, v := bucket.Cursor().Seek(revision(oldest+rand.Uint64N(rev-oldest), 0, false))
				if k != nil {
					check(bucket.Put(bytes.Clone(k), bytes.Clone(v)))
				}
			}
			return nil
		}))
		if n == 0 {
			fmt.Println("writing")
		}
		time.Sleep(time.Millisecond)
	}
}

type counts struct {
	Values, Plaintext, Old int
	Providers              map[string]int
}

func count(db *bolt.DB) {
	result := map[string]*counts{}
	check(db.View(func(tx *bolt.Tx) error {
		for err := range tx.Check() {
			check(err)
		}
		seen := map[string]bool{}
		cursor := tx.Bucket([]byte("key")).Cursor()
		for k, v := cursor.Last(); k != nil; k, v = cursor.Prev() {
			var kv mvccpb.KeyValue
			check(kv.Unmarshal(v))
			key := string(kv.Key)
			current := !seen[key]
			seen[key] = true
			if len(k) == 18 {
				continue
			}
			parts := strings.Split(key, "/")
			if len(parts) < 3 || parts[1] != "registry" {
				continue
			}
			c := result[parts[2]]
			if c == nil {
				c = &counts{Providers: map[string]int{}}
				result[parts[2]] = c
			}
			encrypted := bytes.HasPrefix(kv.Value, []byte("k8s:enc:"))
			switch {
			case !current && !encrypted:
				c.Old++
			case current:
				c.Values++
				if encrypted {
					c.Providers[strings.Join(strings.SplitN(string(kv.Value), ":", 6)[2:5], ":")]++
				} else {
					c.Plaintext++
				}
			}
		}
		return nil
	}))
	check(json.NewEncoder(os.Stdout).Encode(result))
}

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: store make|write|count FILE ...")
		os.Exit(2)
	}
	options := &bolt.Options{NoFreelistSync: true, NoSync: true, Timeout: time.Second}
	if os.Args[1] == "make" {
		options.PageSize = number(os.Args[3])
		options.NoFreelistSync = os.Getenv("FREELIST") == ""
	}
	options.ReadOnly = os.Args[1] == "count"
	db, err := bolt.Open(os.Args[2], 0600, options)
	check(err)
	defer db.Close()
	switch os.Args[1] {
	case "make":
		fill(db, number(os.Args[4]), number(os.Args[5]), number(os.Args[6]))
	case "write":
		write(db)
	case "count":
		count(db)
	}
}
