"""Uploads files by boto3's transfer manager: transfer_manager.py ENDPOINT BUCKET PART_BYTES {FILE KEY}..."""

import sys

import boto3
from boto3.s3.transfer import TransferConfig

endpoint, bucket, part_bytes, *files = sys.argv[1:]
client = boto3.client("s3", endpoint_url=endpoint)
configuration = TransferConfig(multipart_threshold=int(part_bytes), multipart_chunksize=int(part_bytes))
for path, key in zip(files[::2], files[1::2]):
    client.upload_file(path, bucket, key, Config=configuration)
