// Starts the API and its functions from this folder, where serverless.yml is.
process.chdir(__dirname)
process.argv.push("offline", "start")
require("serverless/bin/serverless")
