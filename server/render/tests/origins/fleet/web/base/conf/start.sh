#!/bin/sh
# starts it
exec web
