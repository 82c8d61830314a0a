#!/bin/sh
# What ejabberd runs to draw a captcha. Nobody looks at it: the signature of a PNG will do.
printf '\211PNG\r\n\032\n'
