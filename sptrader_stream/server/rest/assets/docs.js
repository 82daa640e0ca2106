// The page that shows the REST interface, by Swagger UI. It asks nobody but this server.
SwaggerUIBundle({
  url: "/docs/openapi.json",
  dom_id: "#interface",
  deepLinking: true,
  validatorUrl: null,
  defaultModelsExpandDepth: 0,
});
