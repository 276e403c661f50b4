"""Makes the bucket (container) that the tests write to: make_bucket.py s3|azure ENDPOINT ACCOUNT KEY"""

import sys

kind, endpoint, account, key = sys.argv[1:]
if kind == "s3":
    import boto3

    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="id",
        aws_secret_access_key="secret",
    )
    client.create_bucket(Bucket="bucket")
else:
    from azure.storage.blob import BlobServiceClient

    BlobServiceClient(f"{endpoint}/{account}", credential=key).create_container("bucket")
