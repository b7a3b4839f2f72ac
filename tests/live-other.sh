#!/bin/bash
# The cases of live-http once more, with the transport that this bpftrace does not get by itself.
OTHER_TRANSPORT=1 exec bash "$(dirname "$0")/live-http.sh"
