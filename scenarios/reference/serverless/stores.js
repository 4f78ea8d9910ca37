// A region's three stores, as its functions see them. Each can put an order and list the ids that it has.
const { DynamoDBClient, GetItemCommand, PutItemCommand, ScanCommand } = require("@aws-sdk/client-dynamodb")
const { S3Client, ListObjectsV2Command, PutObjectCommand } = require("@aws-sdk/client-s3")
const pg = require("pg")

const { REGION, TABLES, OBJECTS, WRITER, RELATIONAL } = process.env
const client = {
    region: REGION,
    credentials: { accessKeyId: "S3RVER", secretAccessKey: "S3RVER" }, // the only account that s3rver knows
    maxAttempts: 1, // who calls decides about another try
    requestHandler: { connectionTimeout: 300, requestTimeout: 1000, throwOnRequestTimeout: true },
}
const dynamo = new DynamoDBClient({ ...client, endpoint: TABLES })
const s3 = new S3Client({ ...client, endpoint: OBJECTS, forcePathStyle: true, requestChecksumCalculation: "WHEN_REQUIRED" })

// One connection each: a function's instance has one request at a time.
const pool = (host) => {
    const made = new pg.Pool({ host, user: "app", database: "postgres", max: 1, connectionTimeoutMillis: 500, query_timeout: 1000 })
    made.on("error", () => {}) // of an idle connection: the next query opens another
    return made
}
const writer = pool(WRITER) // the way to the primary, wherever that is
const own = pool(RELATIONAL) // the region's own server

async function pages(next) {
    const ids = []
    let from
    do {
        const page = await next(from)
        ids.push(...page.ids)
        from = page.more
    } while (from)
    return ids
}

exports.tables = {
    put: (id, table) =>
        dynamo.send(new PutItemCommand({ TableName: table, Item: { id: { S: id }, region: { S: REGION }, at: { N: `${Date.now()}` } } })),
    has: async (id, table) => Boolean((await dynamo.send(new GetItemCommand({ TableName: table, Key: { id: { S: id } } }))).Item),
    ids: () =>
        pages(async (from) => {
            const page = await dynamo.send(new ScanCommand({ TableName: "orders", ProjectionExpression: "id", ExclusiveStartKey: from }))
            return { ids: page.Items.map((item) => item.id.S), more: page.LastEvaluatedKey }
        }),
}

exports.objects = {
    put: (id) => s3.send(new PutObjectCommand({ Bucket: "orders", Key: id, Body: `receipt of ${id}, written in ${REGION}\n` })),
    ids: () =>
        pages(async (from) => {
            const page = await s3.send(new ListObjectsV2Command({ Bucket: "orders", ContinuationToken: from }))
            return { ids: (page.Contents || []).map((object) => object.Key), more: page.NextContinuationToken }
        }),
}

exports.relational = {
    put: (id) => writer.query("insert into orders (id, region, node) values ($1, $2, 'function') on conflict do nothing", [id, REGION]),
    ids: async () => (await own.query("select id from orders")).rows.map((row) => row.id),
}

// One id a line, and their number in the last one.
exports.lines = (ids) => [...ids, `# ${ids.length}`, ""].join("\n")
