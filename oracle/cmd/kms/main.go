// A KMS v2 plugin for tests: kms SOCKET KEYFILE
//
// The first line of KEYFILE is the key id that is used from now on; any id is a key, derived from it. It is read anew for each
// request, so that a test rotates the key by writing another line. Nothing here is secret.
package main

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"time"

	"k8s.io/kms/pkg/service"
)

type plugin struct{ file string }

func (p plugin) keyID() (string, error) {
	content, err := os.ReadFile(p.file)
	if err != nil {
		return "", err
	}
	line, _, _ := bytes.Cut(content, []byte("\n"))
	return string(line), nil
}

func aead(id string) cipher.AEAD {
	key := sha256.Sum256([]byte("key of a test: " + id))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return gcm
}

func (p plugin) Encrypt(_ context.Context, _ string, data []byte) (*service.EncryptResponse, error) {
	id, err := p.keyID()
	if err != nil {
		return nil, err
	}
	gcm := aead(id)
	nonce := make([]byte, gcm.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	return &service.EncryptResponse{Ciphertext: gcm.Seal(nonce, nonce, data, nil), KeyID: id}, nil
}

func (p plugin) Decrypt(_ context.Context, _ string, req *service.DecryptRequest) ([]byte, error) {
	gcm := aead(req.KeyID)
	if len(req.Ciphertext) < gcm.NonceSize() {
		return nil, errors.New("too short")
	}
	return gcm.Open(nil, req.Ciphertext[:gcm.NonceSize()], req.Ciphertext[gcm.NonceSize():], nil)
}

func (p plugin) Status(context.Context) (*service.StatusResponse, error) {
	id, err := p.keyID()
	return &service.StatusResponse{Version: "v2", Healthz: "ok", KeyID: id}, err
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: kms SOCKET KEYFILE")
		os.Exit(2)
	}
	err := service.NewGRPCService(os.Args[1], 5*time.Second, plugin{os.Args[2]}).ListenAndServe()
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
