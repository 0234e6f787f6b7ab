import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// Vite passes the API's paths on, so the page and the API have one origin and need no CORS. The page of
// `npm run build`, on an origin of its own, calls the API at VITE_TIDEMARK_URL instead: see README.md.
const proxy = { "/analytics": process.env.TIDEMARK_URL ?? "http://127.0.0.1:8000" };

export default defineConfig({ plugins: [react()], server: { proxy }, preview: { proxy } });
