// The article's handler: one presigned PUT for the key that the query names.
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";

const client = new S3Client({ region: process.env.AWS_REGION });

export const handler = async (event) => {
  const key = event.queryStringParameters?.key;
  if (!key) {
    return { statusCode: 400, body: JSON.stringify({ message: "the query has no key" }) };
  }
  const command = new PutObjectCommand({ Bucket: process.env.BUCKET_NAME, Key: `uploads/${key}` });
  const uploadURL = await getSignedUrl(client, command, { expiresIn: 900 });
  return {
    statusCode: 200,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ uploadURL, key }),
  };
};
