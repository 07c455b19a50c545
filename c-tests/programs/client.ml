(* A client in OCaml: blocking calls, callbacks, asynchronous calls, errors.

     client URI     a writable disk of at least 1 MiB *)

open Printf

let attempt name call =
  try
    call ();
    printf "%s succeeded\n" name
  with NBD.Error (_, errno) ->
    (* Each library words its messages in its own way. *)
    printf "%s failed: %s\n" name
      (match errno with
       | Some errno -> Unix.error_message errno
       | None -> "no errno")

let blocking h =
  printf "%Ld bytes, flush %b\n" (NBD.get_size h) (NBD.can_flush h);
  NBD.pwrite h (Bytes.make 4096 'a') 8192L;
  NBD.zero h 1024L 9216L;
  let data = Bytes.create 4096 in
  NBD.pread h data 8192L;
  printf "%s\n" (Digest.to_hex (Digest.bytes data))

let callbacks h =
  let received = ref 0 in
  NBD.pread_structured h (Bytes.create 65536) 0L
    (fun data _ status error ->
       received := !received + Bytes.length data;
       if status <> 1 && status <> 2 || !error <> 0 then failwith "chunk";
       0);
  printf "%d received\n" !received;
  NBD.block_status h 1048576L 0L
    (fun context offset entries _ ->
       printf "%s from %Ld:" context offset;
       Array.iter (printf " %Ld") entries;
       print_newline ();
       0)

let asynchronous h =
  let finished = ref 0 in
  let buffers = Array.init 16 (fun _ -> NBD.Buffer.alloc 4096) in
  Array.iteri
    (fun i buffer ->
       let completion error = if !error = 0 then incr finished; 1 in
       ignore (NBD.aio_pread ~completion h buffer (Int64.of_int (i * 4096))))
    buffers;
  while !finished < Array.length buffers do
    ignore (NBD.poll h (-1))
  done;
  let digest = Digest.bytes (NBD.Buffer.to_bytes buffers.(2)) in
  printf "%d finished, %s\n" !finished (Digest.to_hex digest)

let () =
  let uri = Sys.argv.(1) in
  let h = NBD.create () in
  NBD.add_meta_context h "base:allocation";
  NBD.connect_uri h uri;
  blocking h;
  callbacks h;
  asynchronous h;
  attempt "read behind the end" (fun () -> NBD.pread h (Bytes.create 512) (NBD.get_size h));
  attempt "connect again" (fun () -> NBD.connect_uri h uri);
  NBD.shutdown h;
  attempt "read from a closed handle" (fun () -> NBD.pread h (Bytes.create 512) 0L);
  NBD.close h
