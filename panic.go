package signin

import (
	"fmt"
	"net/http"
	"runtime/debug"

	"go.uber.org/zap"
)

// answerPanic keeps a defect of ours from becoming an open door: the request ends
// here with 500, whatever was about to happen, and without a cookie of ours. v is
// nil where the request had no visit yet.
func answerPanic(w http.ResponseWriter, r *http.Request, v *visit, logger *zap.Logger, cause any) {
	if v != nil {
		v.finish()
	}
	if cause == http.ErrAbortHandler { //nolint:errorlint,err113 // the sentinel that net/http documents
		panic(cause)
	}
	logger.Error("a request could not be handled: please report this",
		zap.String("path", r.URL.Path), zap.String("panic", fmt.Sprint(cause)), zap.ByteString("stack", debug.Stack()))
	if v != nil {
		v.out.renewal, v.out.guarded, v.out.endpoint = nil, false, false
		w = v.out // it takes the cookies out
	}
	answerText(w, http.StatusInternalServerError, "Internal Server Error\n")
}
